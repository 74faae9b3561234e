import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { networkOptions } from '../../../src/cli/context.js'
import { readRelays, relayAccess } from '../../../src/cli/relay-access.js'

const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY']
const file = join(tmpdir(), `dat-ca-${process.pid}.pem`)
const PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

beforeEach(() => {
  for (const name of NAMES) for (const one of [name, name.toLowerCase()]) vi.stubEnv(one, undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(file, { force: true })
})

describe('the proxy for a relay', () => {
  const proxyFor = (url: string) => relayAccess(null, {}).proxyFor(url)

  it('is none by default', () => {
    expect(proxyFor('wss://relay.test')).toBeNull()
  })

  it.each(['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])('is that of %s for wss://', (name) => {
    vi.stubEnv(name, 'http://anna:secret@proxy:3128')
    expect(proxyFor('wss://relay.test')).toBe('http://anna:secret@proxy:3128')
    if (name.startsWith('HTTPS')) expect(proxyFor('ws://relay.test')).toBeNull()
  })

  it('is that of HTTP_PROXY for ws://', () => {
    vi.stubEnv('HTTP_PROXY', 'proxy:3128')
    expect(proxyFor('ws://relay.test:8080')).toBe('http://proxy:3128')
    expect(proxyFor('wss://relay.test')).toBeNull()
  })

  it('is none for what NO_PROXY names', () => {
    vi.stubEnv('ALL_PROXY', 'http://proxy')
    vi.stubEnv('no_proxy', 'relay.test,.inside.test')
    expect(proxyFor('wss://relay.test')).toBeNull()
    expect(proxyFor('wss://a.inside.test:8443/dat')).toBeNull()
    expect(proxyFor('wss://other.test')).toBe('http://proxy')
  })
})

describe('relays', () => {
  it('are read once each, from the option or else the variable', () => {
    expect(readRelays(' wss://a, b:8443 ,https://a/,', 'x')).toEqual(['wss://a', 'wss://b:8443'])
    expect(networkOptions({}, { DAT_RELAY: 'ws://c:1' }).relays).toEqual(['ws://c:1'])
    expect(networkOptions({ relay: ['a,b', 'c'] }, { DAT_RELAY: 'ws://d' }).relays).toEqual([
      'wss://a',
      'wss://b',
      'wss://c'
    ])
    expect(networkOptions({}, { DAT_RELAY: '' }).relays).toEqual([])
  })

  it('that are none are named, with what they were given by, but no password', () => {
    expect(() => networkOptions({}, { DAT_RELAY: 'ftp://x' })).toThrow(/^DAT_RELAY: "ftp:\/\/x"/)
    expect(() => networkOptions({ relay: ['wss://anna:secret@x'] }, {})).toThrow(/^--relay: that is not/)
  })
})

describe('certificates', () => {
  it('are those of the file and those that Node.js was told of', () => {
    writeFileSync(file, PEM)
    expect(relayAccess(file, {}).ca).toBe(PEM)
    expect(relayAccess(file, { NODE_EXTRA_CA_CERTS: file }).ca).toBe(`${PEM}\n${PEM}`)
    expect(relayAccess(file, { NODE_EXTRA_CA_CERTS: '/nowhere' }).ca).toBe(PEM)
    expect(relayAccess(null, { NODE_EXTRA_CA_CERTS: file }).ca).toBeNull()
  })

  it('have to be there', () => {
    expect(() => relayAccess(file, {})).toThrow(/cannot read/)
    writeFileSync(file, 'something')
    expect(() => relayAccess(file, {})).toThrow(/no certificate/)
  })
})
