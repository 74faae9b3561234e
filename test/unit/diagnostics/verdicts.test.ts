import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CODES, WARNINGS } from '../../../src/diagnostics/advice.js'
import { judge } from '../../../src/diagnostics/verdicts.js'
import { evidence, RELAY_HOST, relayFinding, type Scene } from '../../helpers/evidence.js'

type Row = [name: string, scene: Scene, code: string, certain: boolean]

const silent: Scene = { udp: ['silent', 'silent'], nat: null }
const rejected: Scene = { udp: ['prohibited', 'prohibited'], nat: null }
const nowhere: Scene = { udp: ['no-route'], nat: null, web: 'no-route', other: 'no-route', names: false }
const working = [relayFinding('works')]
const clocks = (...offs: number[]) => offs.map((off, i) => ({ host: `clock${i}`, off }))

describe('the decision table', () => {
  const rows: Row[] = [
    ['open', { nat: { own: true, randomized: false }, inbound: true }, 'open', true],
    ['stateful', { nat: { own: true, randomized: false } }, 'direct', true],
    ['home', {}, 'direct', true],
    ['sym', { nat: { randomized: true } }, 'symmetric-nat', true],
    ['noudp', { ...silent }, 'udp-blocked', true],
    ['noudp, a relay', { ...silent, server: 'connected', relays: working }, 'udp-blocked', true],
    [
      'noudp:reject',
      {
        ...rejected,
        races: [
          [0.053, 0.053],
          [0.055, 0.054]
        ]
      },
      'udp-blocked',
      false
    ],
    [
      'noudp:reject, a relay',
      {
        ...rejected,
        races: [
          [0.053, 0.054],
          [0.055, 0.054]
        ],
        server: 'connected',
        relays: working
      },
      'udp-blocked',
      true
    ],
    ['web', { ...silent, other: 'silent' }, 'web-only', true],
    ['web, a relay', { ...silent, other: 'silent', server: 'connected', relays: working }, 'web-only', true],
    [
      'web:reject',
      {
        ...rejected,
        races: [
          [0.057, 0.051],
          [0.056, 0.05]
        ]
      },
      'web-only',
      true
    ],
    [
      'web:reject from afar',
      {
        ...rejected,
        races: [
          [62, 0.4],
          [140, 0.4]
        ]
      },
      'web-only',
      true
    ],
    [
      'web:reject, a relay',
      {
        ...rejected,
        races: [
          [0.057, 0.051],
          [0.056, 0.05]
        ],
        server: 'connected',
        relays: working
      },
      'web-only',
      true
    ],
    [
      'web:reject, ICMP lost',
      {
        ...silent,
        races: [
          [0.057, 0.051],
          [0.056, 0.05]
        ]
      },
      'web-only',
      true
    ],
    [
      'proxy',
      { ...silent, names: false, web: 'silent', other: 'silent', proxy: [{ outcome: 'tried' }] },
      'proxy-only',
      false
    ],
    [
      'proxy, a relay',
      {
        ...silent,
        names: false,
        web: 'silent',
        other: 'silent',
        server: 'silent',
        proxy: [{ outcome: 'open', listens: true }],
        relays: [relayFinding('connect', 'works')]
      },
      'proxy-only',
      true
    ],
    [
      'proxy:reject',
      { ...rejected, names: false, races: [[0.045, 0.045]], proxy: [{ outcome: 'tried' }] },
      'proxy-only',
      false
    ],
    [
      'proxy:reject, a relay, ICMP lost',
      {
        ...silent,
        names: false,
        server: 'refused',
        races: [[0.045, 0.045]],
        proxy: [{ outcome: 'open', listens: true }],
        relays: [relayFinding('connect', 'works')]
      },
      'proxy-only',
      true
    ],
    [
      'proxy with a password',
      { ...silent, names: false, web: 'silent', other: 'silent', proxy: [{ outcome: 'password' }] },
      'proxy-only',
      false
    ],
    [
      'proxy, which alone finds names of the world',
      {
        ...{ ...silent, web: 'silent', other: 'silent', denied: [RELAY_HOST] },
        proxy: [{ outcome: 'open', listens: true }],
        relays: [relayFinding('connect', 'works')]
      },
      'proxy-only',
      true
    ],
    ['blocked', { ...silent, names: false, web: 'silent', other: 'silent' }, 'blocked', true],
    [
      'blocked, a dead relay',
      { ...silent, names: false, web: 'silent', other: 'silent', server: 'silent', relays: [relayFinding('connect')] },
      'blocked',
      true
    ],
    ['blocked:reject', { ...rejected, names: false, races: [[0.045, 0.046]] }, 'blocked', true],
    ['blocked:reject, ICMP lost', { ...silent, names: false, races: [[0.045, 0.046]] }, 'blocked', true],
    [
      'blocked, a proxy that is not there',
      { ...silent, names: false, web: 'silent', other: 'silent', proxy: [{ outcome: 'dead' }] },
      'blocked',
      true
    ],
    [
      'blocked, a proxy that forbids',
      { ...silent, names: false, web: 'silent', other: 'silent', proxy: [{ outcome: 'forbidden' }] },
      'blocked',
      true
    ],
    ['prohibited by ICMP everywhere', { ...rejected, web: 'prohibited', other: 'prohibited' }, 'blocked', true],
    [
      'no cable',
      { udp: ['no-route'], nat: null, web: 'no-route', other: 'no-route', names: false, ipv4: [] },
      'offline',
      true
    ],
    ['two laptops and a cable', { ...nowhere, ipv4: [], linkLocal: true }, 'lan-only', true],
    [
      'a router without a line, which says so of some packets only',
      { udp: ['silent', 'silent'], nat: null, web: 'no-route', other: 'silent' },
      'lan-only',
      false
    ],
    [
      'a relay by IPv6, of which there is none, tells nothing about the rest',
      { ...silent, names: false, web: 'silent', other: 'silent', servers: [['2001:db8::1', 'no-route']] },
      'blocked',
      true
    ],
    ['no router', { udp: ['no-route'], nat: null, web: 'no-route', other: 'no-route', names: false }, 'lan-only', true]
  ]
  it.each(rows)('%s', (_name, scene, code, certain) => {
    expect(judge(evidence(scene))).toMatchObject({ code, certain, warnings: [] })
  })
})

describe('what is unknown', () => {
  const rows: Row[] = [
    [
      'nothing but the local network is used',
      { udp: null, nat: null, web: null, other: null, names: null },
      'lan-only',
      false
    ],
    ['one node could be asked, and it answered', { udp: ['answered'], nat: { randomized: null } }, 'direct', false],
    ['the way in was not tested', { inbound: null }, 'direct', true],
    ['one silent node may be down', { udp: ['silent'], nat: null }, 'udp-blocked', false],
    ['all hosts silent, but names work', { ...silent, web: 'silent', other: 'silent' }, 'udp-blocked', false],
    [
      'one server silent, like all others',
      { ...silent, web: 'silent', other: 'silent', server: 'silent' },
      'blocked',
      false
    ],
    [
      'no names, so nobody was asked',
      { udp: [], nat: null, web: 'no-address', other: 'no-address', names: false },
      'blocked',
      true
    ],
    [
      'no DHT, a relay that works',
      { udp: null, nat: null, web: null, other: null, server: 'connected', relays: working },
      'web-only',
      false
    ],
    ['a proxy works, and the rest is not clear', { ...rejected, proxy: [{ outcome: 'tried' }] }, 'proxy-only', false],
    [
      'a proxy that does not answer',
      { ...silent, names: false, web: 'silent', other: 'silent', proxy: [{ outcome: 'silent' }] },
      'blocked',
      true
    ]
  ]
  it.each(rows)('%s', (_name, scene, code, certain) => {
    const verdict = judge(evidence(scene))
    expect({ code: verdict.code, certain: verdict.certain, doubted: verdict.doubt !== '' }).toEqual({
      code,
      certain,
      doubted: !certain
    })
  })
})

describe('warnings', () => {
  const codes = (scene: Scene) => judge(evidence(scene)).warnings.map(({ code }) => code)
  it.each<[string, Scene, string[]]>([
    [
      'a relay that works, but not by the proxy that is named for it',
      { relays: [relayFinding('works', 'connect')] },
      ['relay-unreachable']
    ],
    [
      'a relay with an unknown name, where servers are silent but names work',
      { ...silent, web: 'silent', other: 'silent', relays: [relayFinding('connect')] },
      ['relay-unreachable']
    ],
    ['a dead relay, where something gets out', { relays: [relayFinding('connect')] }, ['relay-unreachable']],
    ['one of two relays', { relays: [...working, relayFinding('upgrade')] }, ['relay-unreachable']],
    [
      'no dead relay where nothing gets out',
      { ...silent, names: false, web: 'silent', other: 'silent', relays: [relayFinding('connect')] },
      []
    ],
    ['TLS signed anew', { relays: [relayFinding('tls', null, { resignedBy: 'Lab CA' })] }, ['tls-intercepted']],
    ['TLS of a web server signed anew', { resigned: [{ host: 'www', by: 'Lab CA' }] }, ['tls-intercepted']],
    [
      'TLS signed anew by an authority that is trusted here',
      { relays: [relayFinding('works', null, { resignedBy: 'Zscaler' })] },
      ['tls-intercepted']
    ],
    ['a clock ten minutes late', { clockOff: 600_000 }, ['clock-wrong']],
    ['a clock ten minutes early', { clockOff: -600_000 }, ['clock-wrong']],
    ['a clock one minute off', { clockOff: 60_000 }, []],
    [
      'a certificate of another time, no other clock',
      { relays: [relayFinding('tls', null, { certificateTime: true })] },
      ['clock-wrong']
    ],
    ['one clock of two that agrees with ours', { clocks: clocks(3_600_000, 1000) }, []],
    ['the one clock of three that is wrong', { clocks: clocks(3_600_000, 1000, -500) }, []],
    ['two of three clocks against ours', { clocks: clocks(3_600_000, 1000, 3_601_000) }, ['clock-wrong']],
    ['two clocks that contradict each other and ours', { clocks: clocks(-7_200_000, 3_600_000) }, ['clock-wrong']],
    [
      'an old certificate, a right clock',
      { clockOff: 0, relays: [relayFinding('tls', null, { certificateTime: true })] },
      ['relay-unreachable']
    ],
    ['no multicast', { lan: 'fail' }, ['multicast-blocked']],
    ['multicast not known', { lan: 'unknown' }, []],
    ['DHT nodes that are not running', { udp: ['refused'], nat: null, server: 'connected' }, ['dht-unreachable']]
  ])('%s', (_name, scene, expected) => {
    expect(codes(scene)).toEqual(expected)
  })

  it('name who signed, and how far the clock is off', () => {
    const [tls] = judge(evidence({ relays: [relayFinding('tls', null, { resignedBy: 'Lab CA' })] })).warnings
    expect(tls?.title).toBe('Somebody in between opens encrypted web connections and signs them as "Lab CA".')
    const [clock] = judge(evidence({ clockOff: 3 * 86_400_000 })).warnings
    expect(clock?.title).toBe("This computer's clock is 3 days late.")
    const [single] = judge(evidence({ clocks: [{ host: 'relay.lab', off: -10 * 365 * 86_400_000 }] })).warnings
    expect(single?.title).toBe("This computer's clock is 10 years early, if that of relay.lab is right.")
  })
})

describe('every code', () => {
  const docs = readFileSync(new URL('../../../docs/troubleshooting.md', import.meta.url), 'utf8')
  const sections = new Map(
    docs
      .split(/^### /m)
      .slice(1)
      .map((text) => [text.split('\n')[0], text])
  )

  it.each([...Object.keys(CODES), ...Object.keys(WARNINGS)])(
    '%s has its section: meaning, what to do, the mail',
    (code) => {
      const section = sections.get(code) ?? ''
      const parts = [...section.matchAll(/^\*\*(What it means|What to do|The mail)\b/gm)].map(([, part]) => part)
      expect(parts).toEqual(['What it means', 'What to do', 'The mail'])
    }
  )

  it('has an exit code that the documents name', () => {
    const table = [...docs.matchAll(/^\| \[`([a-z-]+)`\].*\| (\d+) \|$/gm)].map(([, code, exit]) => [
      code,
      Number(exit)
    ])
    expect(Object.fromEntries(table)).toEqual(
      Object.fromEntries(Object.entries(CODES).map(([code, { exitCode }]) => [code, exitCode]))
    )
  })

  it('comes with a mail of lines that no mail program breaks', () => {
    for (const scene of [{}, { nat: { randomized: true } }, silent, { ...silent, other: 'silent' as const }]) {
      const { itText } = judge(evidence({ ...scene, relays: working }))
      expect(itText.split('\n')[0]).toMatch(/^Subject: ./)
      expect(Math.max(...itText.split('\n').map((line) => line.length))).toBeLessThanOrEqual(76)
    }
  })
})
