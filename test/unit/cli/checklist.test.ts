import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../../src/base/display-width.js'
import { Checklist } from '../../../src/cli/ui/checklist.js'
import { Output } from '../../../src/cli/ui/output.js'
import { createPaint, PLAIN_PAINT } from '../../../src/cli/ui/paint.js'
import { type VerdictEvent, verdictText } from '../../../src/cli/ui/verdict.js'
import { judge } from '../../../src/diagnostics/verdicts.js'
import { evidence, relayFinding } from '../../helpers/evidence.js'
import { MemoryStream } from '../../helpers/streams.js'

const ITEMS = [
  { id: 'udp', label: 'Direct (UDP)' },
  { id: 'inbound', label: 'Reachable' },
  { id: 'relay', label: 'Relay relay.example.org' }
]
const STYLE = { paint: PLAIN_PAINT, unicode: true }

describe('a checklist', () => {
  it('on a terminal is there from the beginning, and redrawn in place', () => {
    const sink = new MemoryStream()
    const list = new Checklist(new Output(sink), ITEMS, STYLE, true)
    expect(sink.text.split('\n').length).toBe(ITEMS.length + 1)
    list.done({ id: 'udp', status: 'ok', summary: '3 of 3 DHT nodes answer, 20 ms' })
    const redrawn = sink.text.slice(sink.text.lastIndexOf('\x1b[3A'))
    expect(redrawn.split('\n')[0]).toBe('\x1b[3A\r✓ Direct (UDP)             3 of 3 DHT nodes answer, 20 ms\x1b[K')
  })

  it('elsewhere says each line when it is known, in plain letters', () => {
    const sink = new MemoryStream()
    const list = new Checklist(new Output(sink), ITEMS, { ...STYLE, unicode: false }, false)
    list.done({ id: 'udp', status: 'fail', summary: 'no answer' })
    list.done({ id: 'relay', status: 'unknown', summary: 'who knows' })
    expect(sink.text).toBe('no Direct (UDP)             no answer\n?  Relay relay.example.org  who knows\n')
  })

  it('does not alarm about what is normal', () => {
    const sink = new MemoryStream()
    const list = new Checklist(new Output(sink), ITEMS, STYLE, false)
    list.done({ id: 'inbound', status: 'fail', summary: 'only answers come in' })
    expect(sink.text).toBe('– Reachable                only answers come in\n')
  })

  it('keeps within 80 columns and prints nothing that could change the screen', () => {
    const sink = new MemoryStream()
    const list = new Checklist(new Output(sink), [{ id: 'udp', label: 'x'.repeat(60) }], STYLE, false)
    list.done({ id: 'udp', status: 'ok', summary: `\x1b[2J${'long '.repeat(40)}` })
    expect(displayWidth(sink.text.trimEnd())).toBeLessThan(80)
    expect(sink.text).not.toContain('\x1b')
  })
})

describe('a verdict', () => {
  const verdict = (scene: Parameters<typeof evidence>[0]): VerdictEvent => ({
    type: 'verdict',
    ...judge(evidence(scene))
  })
  const blocked = verdict({ udp: ['silent'], nat: null, other: 'silent', relays: [relayFinding('connect')] })

  it('fits into 80 columns, with colours and without', async () => {
    const plain = verdictText(blocked, PLAIN_PAINT, 80)
    expect(Math.max(...plain.split('\n').map(displayWidth))).toBeLessThan(80)
    const coloured = verdictText(blocked, await createPaint(true), 80)
    expect(coloured).not.toBe(plain)
    expect(coloured.replace(/\x1b\[\d+m/g, '')).toBe(plain)
  })

  it('says what is the case, what to do, and ends with its code', () => {
    expect(verdictText(verdict({ inbound: true }), PLAIN_PAINT, 80).split('\n')).toEqual([
      '',
      'All is well: other computers can connect to this one.',
      '',
      'What to do',
      '   Nothing has to be done.',
      '',
      'Good to know',
      '- seen from outside as 198.51.100.7 (NAT)',
      '',
      'Verdict: open'
    ])
  })
})
