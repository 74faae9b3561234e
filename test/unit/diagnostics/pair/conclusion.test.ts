import { describe, expect, it } from 'vitest'
import { conclude } from '../../../../src/diagnostics/pair/conclusion.js'
import { NO_FIGURES, type RouteResult, seenFromThere } from '../../../../src/diagnostics/pair/result.js'
import { describePair } from '../../../../src/diagnostics/pair/words.js'
import { POLICIES, type Policy, sideOf } from '../../../helpers/pair.js'

/**
 * Every pair of the lab's networks: the route (Direct, Relay, None), and whose network stands in the way of a better
 * one: `.` nobody's, `<` that of the row (here), `>` that of the column (there), `=` both.
 */
const WITH_RELAY = `
          open home stateful sym noudp web proxy blocked
open      D.   D.   D.       D.  R>    R>  R>    N>
home      D.   D.   D.       D.  R>    R>  R>    N>
stateful  D.   D.   D.       D.  R>    R>  R>    N>
sym       D.   D.   D.       R=  R>    R>  R>    N>
noudp     R<   R<   R<       R<  R=    R=  R=    N>
web       R<   R<   R<       R<  R=    R=  R=    N>
proxy     R<   R<   R<       R<  R=    R=  R=    N>
blocked   N<   N<   N<       N<  N<    N<  N<    N=`

const WITHOUT = `
          open home stateful sym noudp web proxy blocked
open      D.   D.   D.       D.  N>    N>  N>    N>
home      D.   D.   D.       D.  N>    N>  N>    N>
stateful  D.   D.   D.       D.  N>    N>  N>    N>
sym       D.   D.   D.       N=  N>    N>  N>    N>
noudp     N<   N<   N<       N<  N=    N=  N=    N=
web       N<   N<   N<       N<  N=    N=  N=    N=
proxy     N<   N<   N<       N<  N=    N=  N=    N=
blocked   N<   N<   N<       N<  N=    N=  N=    N=`

const ROUTES = { D: 'direct', R: 'relay', N: 'none' } as const
const PLACES = { '.': 'nowhere', '<': 'here', '>': 'there', '=': 'both' } as const
const EXITS = { D: 0, R: 20, N: 21 } as const

function rows(table: string) {
  const [head = [], ...lines] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return lines.flatMap(([here, ...cells]) =>
    cells.map((cell, i) => ({ here: here as Policy, there: head[i] as Policy, cell }))
  )
}

describe.each([
  ['a relay that both know', WITH_RELAY, true, true],
  ['a relay that this end knows', WITH_RELAY, true, false],
  ['no relay', WITHOUT, false, false]
])('with %s', (_name, table, relayHere, relayThere) => {
  const all = rows(table)

  it('has all pairs', () => {
    expect(all).toHaveLength(Object.keys(POLICIES).length ** 2)
  })

  it.each(all)('$here ↔ $there: $cell', ({ here, there, cell }) => {
    const one = sideOf(here, 1, { relay: relayHere })
    const other = sideOf(there, 2, { relay: relayThere })
    // A relay that only a blocked end knows is of use to nobody.
    const useless = relayHere && !relayThere && here === 'blocked'
    const [letter, mark] = cell as unknown as [keyof typeof ROUTES, keyof typeof PLACES]
    const expected = { route: ROUTES[letter], exitCode: EXITS[letter], obstacle: PLACES[mark] }
    const mine = conclude(one, other)
    if (useless) expect(mine).toMatchObject({ route: 'none', exitCode: 21 })
    else expect(mine).toMatchObject(expected)
    const theirs = conclude(other, one)
    expect(theirs).toMatchObject({ route: mine.route, obstacle: seenFromThere(mine.obstacle) })
  })
})

describe('what was tried', () => {
  const home = sideOf('home', 1)
  const result = (route: RouteResult['route'], outcome: RouteResult['outcome']): RouteResult => ({
    ...{ route, outcome, reason: '', firstByte: null, ...NO_FIGURES },
    why: outcome === 'works' ? null : { code: 'no-answer', place: 'nowhere' }
  })

  it('says more than what was expected', () => {
    const there = sideOf('home', 2)
    expect(conclude(home, there, [result('direct', 'failed')])).toMatchObject({ route: 'none', certain: true })
    expect(conclude(home, there, [result('lan', 'works')])).toMatchObject({ route: 'lan', exitCode: 0 })
  })

  it('counts TCP only where `dat share` would listen, and recommends it elsewhere', () => {
    const web = sideOf('noudp', 2)
    const open = sideOf('open', 1)
    expect(conclude(open, web, [result('tcp', 'works')])).toMatchObject({ route: 'none', listenAt: 'here' })
    expect(conclude(web, open)).toMatchObject({ route: 'none', listenAt: 'there' })
    expect(conclude(open, web, [result('tcp', 'failed')])).toMatchObject({ listenAt: null })
    const listening = sideOf('open', 1, { network: { listen: { host: '', port: 4977 } } })
    expect(conclude(listening, web, [result('tcp', 'works')])).toMatchObject({ route: 'tcp', exitCode: 0 })
  })
})

describe('a NAT with a new port for each destination', () => {
  it('makes dat begin through a relay, where there is one', () => {
    const begins = (relay: boolean) => conclude(sideOf('home', 1, { relay }), sideOf('sym', 2, { relay })).begins
    expect(begins(true)).toBe('relay')
    expect(begins(false)).toBeNull()
    expect(conclude(sideOf('home', 1, { relay: true }), sideOf('open', 2)).begins).toBeNull()
  })
})

describe('the local network', () => {
  const at = (site: number, address: string, more = {}) =>
    sideOf('home', site, { scene: { ipv4: [address], lan: 'ok' }, ...more })

  it('is expected where addresses are of one network', () => {
    expect(conclude(at(1, '192.168.1.5'), at(2, '192.168.1.6'))).toMatchObject({ route: 'lan' })
    expect(conclude(at(1, '192.168.1.5'), at(2, '192.168.2.6'))).toMatchObject({ route: 'direct' })
  })

  it('is not where the internet sees two different ones: many homes have the same addresses', () => {
    const far = { ...at(2, '192.168.1.6'), publicAddress: '203.0.113.9' }
    expect(conclude(at(1, '192.168.1.5'), far)).toMatchObject({ route: 'direct' })
  })

  it('is not where multicast is blocked or switched off', () => {
    const deaf = { ...at(2, '192.168.1.6'), multicast: 'no' as const }
    expect(conclude(at(1, '192.168.1.5'), deaf)).toMatchObject({ route: 'direct' })
    const off = at(2, '192.168.1.6', { network: { lan: false } })
    expect(conclude(at(1, '192.168.1.5'), off)).toMatchObject({ route: 'direct' })
  })
})

describe('a network of which UDP is not known', () => {
  it('is what is to blame when nothing came', () => {
    const one = sideOf('noudp', 1, { relay: true, scene: { udp: ['silent'] } })
    const trial: RouteResult = {
      ...{ route: 'direct', outcome: 'failed', why: null, reason: '', firstByte: null, ...NO_FIGURES }
    }
    const other = sideOf('home', 2, { relay: true })
    expect(conclude(one, other, [trial])).toMatchObject({
      route: 'relay',
      obstacle: 'here',
      why: { code: 'no-udp', place: 'here' }
    })
  })
})

describe('the advice', () => {
  const advice = (here: Policy, there: Policy, relay: boolean) => {
    const sides = [sideOf(here, 1, { relay }), sideOf(there, 2, { relay })] as const
    return describePair(conclude(...sides), ...sides).advice
  }

  it('is nothing to do where it works directly', () => {
    expect(advice('home', 'home', false)).toEqual(['Nothing has to be done.'])
  })

  it('begins with a relay where there is none, and names the side whose IT department can help', () => {
    const [first, second] = advice('home', 'web', false)
    expect(first).toMatch(/^Use a relay: /)
    expect(second).toMatch(/^Ask the IT department there /)
    expect(advice('web', 'home', false)[1]).toMatch(/^Ask the IT department here /)
    expect(advice('home', 'blocked', true)[0]).toMatch(/^Ask the IT department there /)
  })
})
