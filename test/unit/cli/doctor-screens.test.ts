import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../../src/base/display-width.js'
import type { PairEvent, PairResult, RouteResult } from '../../../src/base/pair-events.js'
import { CODES, WARNINGS } from '../../../src/diagnostics/advice.js'
import { conclude } from '../../../src/diagnostics/pair/conclusion.js'
import { summarise } from '../../../src/diagnostics/pair/side.js'
import { describePair } from '../../../src/diagnostics/pair/words.js'
import { type Look, recording, screen } from '../../helpers/doctor-screen.js'

/** What stands on the terminal when the doctor is done, for what it really found in the networks of the lab. */

const FIXTURES = new URL('../../fixtures/doctor/', import.meta.url)
const NAMES = readdirSync(FIXTURES).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -'.json'.length)] : []))
const WIDTHS = [60, 80, 120]
const SGR = /\x1b\[([\d;]*)m/g

/** The screen when everything is known. @param probes how many of the tests are over; all, when left out */
async function finalScreen(name: string, look: Look, probes?: number): Promise<string[]> {
  const { items, findings, verdict } = recording(name)
  return screen(look, (ui) => {
    ui.checklist(items)
    for (const { facts, ...rest } of findings.slice(0, probes)) ui.event({ type: 'probe', ...rest, evidence: facts })
    if (probes === undefined) ui.event({ type: 'verdict', ...verdict })
  })
}

/** What is wrong with these lines. */
function faults(lines: readonly string[], columns: number): string[] {
  return lines.flatMap((line) => {
    const bare = line.replaceAll(SGR, '')
    const open = [...line.matchAll(SGR)].reduce((on, [, code]) => after(on, code ?? ''), new Set<string>())
    const found = [
      ...(displayWidth(bare) >= columns ? [`${displayWidth(bare)} columns`] : []),
      ...(/\s$/.test(bare) ? ['ends with a space'] : []),
      ...(/[\t\x00-\x1f\x7f]/.test(bare) ? ['a control character'] : []),
      ...(open.size > 0 ? ['a style that is not closed'] : [])
    ]
    return found.map((what) => `${what}: ${JSON.stringify(line)}`)
  })
}

/** The styles that are on after an escape sequence. */
function after(on: ReadonlySet<string>, code: string): Set<string> {
  const ends: Record<string, string[]> = { '22': ['1', '2'], '39': ['31', '32', '33', '36'] }
  if (code === '' || code === '0') return new Set()
  const ended = ends[code]
  return ended ? new Set([...on].filter((one) => !ended.includes(one))) : new Set([...on, code])
}

async function matches(file: string, lines: readonly string[]): Promise<void> {
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(new URL(`screens/${file}`, FIXTURES).pathname)
}

describe.each(NAMES)('the screen of %s', (name) => {
  it('is as it was last looked at, in colour and without', async () => {
    const plain = await finalScreen(name, { columns: 80, colours: false })
    const coloured = await finalScreen(name, { columns: 80, colours: true })
    expect(coloured.map((line) => line.replaceAll(SGR, ''))).toEqual(plain)
    await matches(`${name}.txt`, plain)
    await matches(`${name}.ansi`, coloured)
  })

  it.each(WIDTHS)('has no faults at %i columns', async (columns) => {
    for (const look of [
      { columns, colours: true },
      { columns, colours: false, unicode: false }
    ]) {
      expect(faults(await finalScreen(name, look), columns)).toEqual([])
    }
  })
})

it('there is a screen of every verdict and of every warning', () => {
  const verdicts = NAMES.map((name) => recording(name).verdict)
  expect([...new Set(verdicts.map(({ code }) => code))].sort()).toEqual(Object.keys(CODES).sort())
  const warned = new Set(verdicts.flatMap(({ warnings }) => warnings.map(({ code }) => code)))
  expect([...warned].sort()).toEqual(Object.keys(WARNINGS).sort())
})

it('while tests are going on the list is there already, and ticked off in place', async () => {
  const lines = await finalScreen('web-only', { columns: 80, colours: true }, 5)
  expect(lines).toHaveLength(recording('web-only').items.length)
  expect(faults(lines, 80)).toEqual([])
  await matches('halfway.ansi', lines)
})

describe('two computers', () => {
  const NOTHING = { firstByte: null, roundTrip: null, up: null, down: null, lossUp: null, lossDown: null }
  const result = (route: RouteResult['route'], more: Partial<RouteResult>): RouteResult => ({
    ...{ route, outcome: 'works', why: null, reason: '', ...NOTHING, ...more }
  })
  const works = { firstByte: 1234, roundTrip: 61.3, up: 112.3e6, down: 1.1e9, lossUp: 0.5, lossDown: 1 }
  const fails = (reason: string): Partial<RouteResult> => ({ outcome: 'failed', reason })

  /** As `testPair` puts it together, for two networks of the lab. */
  function pairResult(here: string, there: string, routes: RouteResult[]): PairResult {
    const side = (name: string) => {
      const { evidence, verdict } = recording(name)
      const relays = evidence.relays.flatMap(({ facts }) => (facts ? [facts.url] : []))
      const network = { dht: true, bootstrap: null, lan: true, lanInterface: null, listen: null, peers: [], relays }
      return summarise(evidence, verdict, network, [])
    }
    const [mine, theirs] = [side(here), side(there)]
    const conclusion = conclude(mine, theirs, routes)
    const { why, route, begins, obstacle, exitCode } = conclusion
    const verdicts = { here: mine.verdict, there: theirs.verdict }
    const reason = why === null ? '' : 'the network there lets no UDP out'
    return {
      ...{ type: 'pair.result', route, begins, obstacle, why, reason, exitCode, routes, ...verdicts },
      ...describePair(conclusion, mine, theirs)
    }
  }

  const CODE: PairEvent = {
    ...{ type: 'pair.code', code: 'abcde-fghjk-mnpqr', seconds: 600, line: 'symmetric-nat, relay works' },
    command: 'dat doctor abcde-fghjk-mnpqr --relay wss://relay.example.org'
  }
  const MET: PairEvent = { type: 'pair.met', peer: 'abcdefgh', route: 'relay', address: 'relay.lab:443', ms: 1300 }
  const lan = result('lan', fails('not in the same local network'))
  const tcp = result('tcp', fails('neither firewall lets connections in'))
  const noDirect = result('direct', { ...fails('the network there lets no UDP out'), outcome: 'skipped' })
  const why = { code: 'no-udp', place: 'there' } as const
  const SERVED = { type: 'link.served', route: 'direct', peer: 'abcdefgh', address: '192.0.2.7:50001' } as const
  const RESULTS: Record<string, PairEvent[]> = {
    code: [CODE],
    'pair-direct': [MET, pairResult('open', 'direct', [lan, tcp, result('direct', works), result('relay', works)])],
    'pair-relay': [
      MET,
      pairResult('symmetric-nat', 'web-only', [lan, tcp, { ...noDirect, why }, result('relay', works)])
    ],
    'pair-none': [
      MET,
      pairResult('direct', 'blocked', [
        lan,
        tcp,
        { ...noDirect, why },
        result('relay', fails('no relay is named (--relay)'))
      ])
    ],
    link: [{ ...SERVED, relay: null, ms: 900, version: 7 }],
    'link-at-relay': [{ ...SERVED, relay: 'relay.example.org', ms: 900, version: 7 }]
  }

  it.each(Object.entries(RESULTS))(
    '%s: is as it was last looked at, at 80 columns, and fits elsewhere',
    async (name, events) => {
      const show = (look: Look) =>
        screen(look, (ui) => {
          for (const event of events) ui.event(event)
        })
      await matches(`${name}.txt`, await show({ columns: 80, colours: false }))
      await matches(`${name}.ansi`, await show({ columns: 80, colours: true }))
      for (const columns of name === 'code' ? [80, 120] : WIDTHS) {
        expect(faults(await show({ columns, colours: true }), columns)).toEqual([])
      }
    }
  )
})
