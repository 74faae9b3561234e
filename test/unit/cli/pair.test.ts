import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../../src/base/display-width.js'
import type { PairEvent, RouteResult } from '../../../src/base/pair-events.js'
import { createPaint, PLAIN_PAINT } from '../../../src/cli/ui/paint.js'
import { pairText } from '../../../src/cli/ui/pair.js'

const works = (route: RouteResult['route'], more: Partial<RouteResult> = {}): RouteResult => ({
  ...{ route, outcome: 'works', why: null, reason: '', firstByte: 240, roundTrip: 61.3, up: 12.3e6, down: 11e6 },
  ...{ lossUp: null, lossDown: null, ...more }
})
const fails = (route: RouteResult['route'], reason: string): RouteResult => ({
  ...works(route, { outcome: 'failed', firstByte: null, roundTrip: null, up: null, down: null }),
  ...{ why: { code: 'no-answer', place: 'nowhere' }, reason }
})

const RESULT: Extract<PairEvent, { type: 'pair.result' }> = {
  type: 'pair.result',
  route: 'relay',
  begins: null,
  obstacle: 'there',
  why: { code: 'no-udp', place: 'there' },
  reason: 'the network there lets no UDP out',
  title: 'dat works between the two computers, through the relay.',
  advice: [
    'Nothing has to be done.',
    'Ask the IT department there to let UDP out: `dat doctor --it` there prints the mail.'
  ],
  here: 'direct',
  there: 'web-only',
  routes: [
    fails('lan', 'not in the same local network'),
    fails('tcp', 'neither firewall lets connections in'),
    works('direct', { lossUp: 0.0123, lossDown: 0 }),
    works('relay', { firstByte: 1234, up: null })
  ],
  exitCode: 20
}

describe('the result of two computers', () => {
  it('is a table, a sentence and what to do', () => {
    expect(pairText(RESULT, PLAIN_PAINT, 80)).toBe(`
        Works  First byte Round trip Sending     Receiving   Resent
lan     no: not in the same local network
tcp     no: neither firewall lets connections in
direct  yes    240 ms     61 ms      12.3 MB/s   11.0 MB/s   1.2% / 0.0%
relay   yes    1.2 s      61 ms      -           11.0 MB/s

dat works between the two computers, through the relay.
Not directly: the network there lets no UDP out.

This computer: direct connections work.
The other one: its network lets only web traffic out.

What to do
1. Nothing has to be done.
2. Ask the IT department there to let UDP out: \`dat doctor --it\` there prints
   the mail.`)
  })

  it('has the same lines in colour', async () => {
    const text = pairText(RESULT, await createPaint(true), 80) ?? ''
    expect(text).toContain('\x1b[')
    expect(text.replaceAll(/\x1b\[\d+m/g, '')).toBe(pairText(RESULT, PLAIN_PAINT, 80))
  })

  it('shows nothing of the other computer that a terminal would obey', () => {
    const evil = { ...RESULT, there: '\x1b[2Jgone', reason: 'a\u202eb', title: '\x07' }
    expect(pairText(evil, PLAIN_PAINT, 80)).not.toMatch(/[\x07\x1b\u202e]/)
  })
})

describe('the code', () => {
  it('is shown with what to type, within 80 columns', () => {
    const text = pairText(
      {
        ...{ type: 'pair.code', code: 'abcde-fghjk-mnpqr', command: 'dat doctor abcde-fghjk-mnpqr', seconds: 600 },
        line: 'direct, no relay'
      },
      PLAIN_PAINT,
      80
    )
    const lines = text?.split('\n') ?? []
    expect(lines).toContain('    dat doctor abcde-fghjk-mnpqr')
    for (const line of lines) expect(displayWidth(line)).toBeLessThan(80)
  })
})

it('says who serves a link', () => {
  const event: PairEvent = {
    ...{ type: 'link.served', route: 'lan', peer: 'abc', address: '10.0.0.1:9', relay: null, ms: 90, version: 5 }
  }
  expect(pairText(event, PLAIN_PAINT, 90)).toBe(
    'Yes, this link is served: by abc, in the local network, 10.0.0.1:9, after 90\nms.'
  )
  expect(pairText({ ...event, route: 'relay', address: '\x1b[2J' }, PLAIN_PAINT, 80)).not.toContain('\x1b')
})
