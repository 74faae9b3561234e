import { describe, expect, it } from 'vitest'
import { DatError } from '../../../src/base/errors.js'
import { judgeCertificate } from '../../../src/diagnostics/certificate.js'
import { classify } from '../../../src/diagnostics/probes/nat.js'
import { shortened, withoutLogin } from '../../../src/diagnostics/redact.js'
import { readServers, Targets } from '../../../src/diagnostics/targets.js'
import { LINK } from '../../helpers/events.js'

const seen = (...ports: number[]) =>
  ports.map((port, i) => ({
    node: { host: `192.0.2.${i + 1}`, port: 49737 },
    seenAs: { host: '198.51.100.7', port },
    ms: 20
  }))

describe('the kind of NAT', () => {
  it.each<[string, number[], boolean | null]>([
    ['one port', [4000, 4000, 4000], false],
    ['a port for each', [4000, 4001, 4002], true],
    ['two nodes that differ', [4000, 4001], true],
    ['one of four out of line', [4000, 4000, 4000, 4001], false],
    ['two of four out of line', [4000, 4000, 4001, 4002], true],
    ['a single node', [4000], null],
    ['nobody', [], null]
  ])('%s', (_name, ports, randomized) => {
    expect(classify(seen(...ports), new Set()).randomized).toBe(randomized)
  })

  it('is no NAT when the address is our own', () => {
    expect(classify(seen(4000, 4000), new Set(['198.51.100.7']))).toEqual({
      publicAddress: '198.51.100.7',
      own: true,
      randomized: false,
      samples: 2
    })
  })
})

describe('a certificate', () => {
  const named = (subject: string, issuer: string) =>
    ({ subject: { CN: subject }, issuer: { CN: issuer, O: 'Institute' } }) as Parameters<typeof judgeCertificate>[0]
  it.each([
    ['of an unknown authority', named('relay', 'Lab CA'), 'SELF_SIGNED_CERT_IN_CHAIN', 'Institute, Lab CA', false],
    ['without its authority', named('relay', 'Lab CA'), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'Institute, Lab CA', false],
    ['that is trusted', named('relay', "Let's Encrypt"), '', null, false],
    ['of a known inspector', named('relay', 'Zscaler Root CA'), '', 'Institute, Zscaler Root CA', false],
    ['of yesterday', named('relay', "Let's Encrypt"), 'CERT_HAS_EXPIRED', null, true],
    ['of tomorrow', named('relay', "Let's Encrypt"), 'CERT_NOT_YET_VALID', null, true]
  ])('%s', (_name, certificate, error, resignedBy, certificateTime) => {
    expect(judgeCertificate(certificate, error)).toEqual({ resignedBy, certificateTime })
  })

  it('that signed itself is the work of who runs the relay', () => {
    const own = { subject: { CN: 'relay' }, issuer: { CN: 'relay' } } as Parameters<typeof judgeCertificate>[0]
    expect(judgeCertificate(own, 'DEPTH_ZERO_SELF_SIGNED_CERT').resignedBy).toBeNull()
  })
})

describe('what is left out of a report', () => {
  it('shortens links and keys, in z-base-32 and hex', () => {
    const key = LINK.slice(6)
    expect(shortened(`a ${LINK}@10.0.0.1:4000/private/name b`)).toBe(`a dat://${key.slice(0, 4)}… b`)
    expect(shortened(`${'ab'.repeat(32)}`)).toBe('abab…')
    expect(shortened('5.5.0.1:49737 stays')).toBe('5.5.0.1:49737 stays')
  })

  it('hides logins', () => {
    expect(shortened('http://anna:secret@proxy:3128')).toBe('http://proxy:3128')
    expect(withoutLogin('http://anna:secret@proxy:3128/path?token=1')).toBe('http://proxy:3128')
    expect(withoutLogin('anna:secret@proxy:3128')).toBe('http://proxy:3128')
    // What is not written as it should be would make a host of the login.
    for (const broken of ['http://anna:12#34@proxy:3128', 'http://anna:12/34@proxy', 'LAB\\\\anna:secret@proxy:3128']) {
      expect(withoutLogin(broken)).toBe('(not a URL)')
    }
  })
})

describe('whom to ask', () => {
  const network = { dht: true, bootstrap: null, lan: true, lanInterface: null, listen: null, peers: [] }
  const about = { version: '', dir: '.', web: [], proxyVariables: {} }

  it('is the public DHT by address and name, and nobody else', () => {
    const targets = new Targets({ ...about, network })
    expect(targets.names.every((name) => name.endsWith('.hyperdht.org'))).toBe(true)
    expect(targets.dhtNodes.length).toBeGreaterThan(1)
    expect(new Set(targets.tcp.map(({ port }) => port))).toEqual(new Set([443, 49737]))
    expect(targets.tcp.some(({ listens }) => listens)).toBe(false)
  })

  it('is the private DHT alone where one is given', async () => {
    const bootstrap = [{ host: '192.0.2.1', port: 4000 }]
    const targets = new Targets({ ...about, network: { ...network, bootstrap } })
    expect(await targets.nodes(AbortSignal.timeout(1000))).toEqual({ nodes: bootstrap, nameless: [] })
    expect(targets.names).toEqual([])
    expect(targets.tcp.map(({ host, port }) => `${host}:${port}`)).toEqual(['192.0.2.1:443', '192.0.2.1:4000'])
  })

  it('is nobody without a DHT and without relays', () => {
    const targets = new Targets({ ...about, network: { ...network, dht: false } })
    expect([targets.tcp, targets.relays, targets.names]).toEqual([[], [], []])
    expect(targets.local).toBe(true)
  })

  it('takes servers as host:port', () => {
    expect(readServers('www.lab:443, [::1]:80')).toEqual([
      { host: 'www.lab', port: 443 },
      { host: '::1', port: 80 }
    ])
    expect(() => readServers('443')).toThrow(DatError)
  })
})
