import { describe, expect, it } from 'vitest'
import { readTimeout, readVersion } from '../../../src/cli/commands/arguments.js'
import { createContext, networkOptions, parseTarget, type RawOptions } from '../../../src/cli/context.js'
import type { Ui } from '../../../src/cli/ui/ui.js'
import { LINK } from '../../helpers/events.js'

const usage = expect.objectContaining({ code: 'USAGE', exitCode: 2 })

describe('networkOptions', () => {
  it('uses everything by default', () => {
    expect(networkOptions({}, {})).toEqual({
      dht: true,
      bootstrap: null,
      lan: true,
      lanInterface: null,
      listen: null,
      peers: [],
      relays: [],
      relayAccess: { proxyFor: expect.any(Function), ca: null }
    })
  })

  it('reads the environment, and lets flags win', () => {
    const env = { DAT_BOOTSTRAP: '127.0.0.1:1,localhost:2', DAT_LAN_INTERFACE: '127.0.0.1' }
    expect(networkOptions({}, env)).toMatchObject({
      dht: true,
      bootstrap: [
        { host: '127.0.0.1', port: 1 },
        { host: 'localhost', port: 2 }
      ],
      lanInterface: '127.0.0.1'
    })
    expect(networkOptions({ bootstrap: '[::1]:3', lanInterface: '::1' }, env)).toMatchObject({
      bootstrap: [{ host: '::1', port: 3 }],
      lanInterface: '::1'
    })
    expect(networkOptions({ bootstrap: 'none' }, env)).toMatchObject({ dht: false, bootstrap: null })
    expect(networkOptions({}, { DAT_BOOTSTRAP: 'none' })).toMatchObject({ dht: false, bootstrap: null })
    expect(networkOptions({ bootstrap: '127.0.0.1:1' }, { DAT_BOOTSTRAP: 'none' })).toMatchObject({ dht: true })
    expect(networkOptions({}, { DAT_BOOTSTRAP: '' })).toMatchObject({ dht: true, bootstrap: null })
  })

  it('reads the switches and addresses', () => {
    expect(networkOptions({ dht: false, lan: false }, {})).toMatchObject({ dht: false, lan: false })
    expect(networkOptions({ listen: '4000' }, {}).listen).toMatchObject({ port: 4000 })
    expect(networkOptions({ listen: '127.0.0.1:0' }, {}).listen).toEqual({ host: '127.0.0.1', port: 0 })
    expect(networkOptions({ peer: ['a:1,b:2', '[::1]:3'] }, {}).peers).toEqual(['a:1', 'b:2', '[::1]:3'])
  })

  const bad: RawOptions[] = [
    { bootstrap: 'x' },
    { bootstrap: '127.0.0.1:0' },
    { bootstrap: '127.0.0.1:1,' },
    { bootstrap: 'a:70000' },
    { listen: 'x' },
    { listen: '-1' },
    { listen: '70000' },
    { peer: ['a'] },
    { peer: [':1'] },
    { peer: ['a:0'] },
    { peer: ['user@a:1'] },
    { lanInterface: 'eth0' }
  ]
  it.each(bad)('refuses %j', (raw) => {
    expect(() => networkOptions(raw, {})).toThrow(usage)
  })

  it('names the variable that is wrong', () => {
    expect(() => networkOptions({}, { DAT_BOOTSTRAP: 'x' })).toThrow(/DAT_BOOTSTRAP/)
    expect(() => networkOptions({ bootstrap: 'x' }, {})).toThrow(/--bootstrap/)
  })
})

describe('createContext', () => {
  it('makes paths absolute and reports to the display', () => {
    const seen: unknown[] = []
    const ui = { event: (event: unknown) => seen.push(event) } as unknown as Ui
    const { signal } = new AbortController()
    const context = createContext({ store: 'index', peer: ['a:1'] }, {}, { cwd: '/somewhere', ui, signal })
    const { common } = context
    expect(common).toMatchObject({ store: '/somewhere/index', network: { peers: ['a:1'] }, signal })
    common.report({ type: 'note', message: 'x' })
    expect(seen).toEqual([{ type: 'note', message: 'x' }])
  })

  it.runIf(process.getuid?.() === 0)('does without a home, for a user that the system does not know', () => {
    const given = { cwd: '/', ui: {} as Ui, signal: new AbortController().signal }
    const before = process.env.HOME
    delete process.env.HOME
    process.seteuid?.(54321)
    try {
      expect(createContext({}, {}, given).common.home).toBeNull()
    } finally {
      process.seteuid?.(0)
      process.env.HOME = before
    }
  })
})

describe('parseTarget', () => {
  it('tells a folder from a link; what exists is a folder', () => {
    expect(parseTarget('data', '/somewhere', () => false)).toEqual({ dir: '/somewhere/data' })
    expect(parseTarget(LINK.slice(6), '/somewhere', () => true)).toEqual({ dir: `/somewhere/${LINK.slice(6)}` })
    expect(parseTarget(`${LINK}/a`, '/somewhere', () => false)).toMatchObject({ link: { path: 'a' } })
    expect(() => parseTarget(LINK.slice(6, 57), '/somewhere', () => false)).toThrow(
      expect.objectContaining({ code: 'NOT_A_LINK' })
    )
  })
})

describe('readVersion', () => {
  it('takes whole numbers from 1 on', () => {
    expect(readVersion('12')).toBe(12)
    for (const odd of ['', '0', '-1', '1.5', '0x10', 'x', '1e3', '9'.repeat(20)])
      expect(() => readVersion(odd), odd).toThrow(usage)
  })
})

describe('readTimeout', () => {
  it('is 60 s unless told otherwise', () => {
    expect(readTimeout(undefined)).toBe(60)
    expect(readTimeout('0')).toBe(0)
    expect(readTimeout('2.5')).toBe(2.5)
    for (const odd of ['', 'x', '-1', '1e9', '3000000', 'Infinity', '5s'])
      expect(() => readTimeout(odd), odd).toThrow(usage)
  })
})
