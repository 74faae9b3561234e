import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../../src/base/display-width.js'
import type { DatEvent } from '../../../src/base/events.js'
import { frame } from '../../../src/cli/ui/frame.js'
import type { Work } from '../../../src/cli/ui/ui.js'
import { apply, createView } from '../../../src/cli/ui/view.js'
import { EVENTS } from '../../helpers/events.js'

function draw(work: Work, events: DatEvent[], columns = 79, timeout: number | null = 60) {
  const view = createView(work, { timeout }, 0)
  for (const event of events) apply(view, event)
  const { bar, detail } = frame(view, columns, 5000)
  const drawn = bar.barColumns === 0 ? '' : ` ${'#'.repeat(bar.barColumns)}`
  return { first: `${bar.label}${drawn}${bar.text}`, detail, bar, view }
}

describe('frame', () => {
  it('shows phase, bar, bytes, rate, time left and peers', () => {
    const { first, detail, bar } = draw('clone', [EVENTS.connected, EVENTS.downloading])
    expect(first).toMatch(/^Downloading #{8,} {2}35 % {2}1\.2 of 3\.4 GB {2}45\.0 MB\/s {2}49 s left$/)
    expect(bar.progress).toBeCloseTo(1.2 / 3.4)
    expect(detail).toBe('3 of 12 files · 1 computer: abcdefgh (lan)')
  })

  it('shows the indexing of a share, then what was sent', () => {
    expect(draw('share', [EVENTS.importing]).first).toMatch(/^Indexing #+ {2}35 % {2}1\.2 of 3\.4 GB$/)
    const { first, detail } = draw('share', [
      EVENTS.imported,
      EVENTS.connected,
      EVENTS.better,
      EVENTS.uploading,
      EVENTS.complete
    ])
    expect(first).toBe('Sharing 12 files, 3.4 GB · 1.5 GB sent at 45.0 MB/s')
    expect(detail).toBe('1 computer: abcdefgh (direct, complete)')
  })

  it('never waits in silence', () => {
    expect(draw('clone', []).detail).toBe('looking for a computer that has this share; gives up in 55 s')
    expect(draw('clone', [], 79, 0).detail).toBe('looking for a computer that has this share')
    expect(draw('share', [EVENTS.imported]).detail).toBe('waiting for somebody to connect')
    expect(draw('clone', [EVENTS.connected, EVENTS.disconnected]).detail).toMatch(/waiting for it to come back/)
    expect(draw('clone', [EVENTS.connected, EVENTS.downloading, EVENTS.stalled], 200).detail).toMatch(
      /^stalled for 12 s: the other/
    )
  })

  it('says "Finishing" instead of staying at 99 %', () => {
    const { first } = draw('clone', [{ ...EVENTS.downloading, bytesDone: 3.4e9 }])
    expect(first).toMatch(/^Finishing .*100 %/)
    expect(first).not.toMatch(/left/)
  })

  it('measures empty files by their number', () => {
    const { bar } = draw('clone', [{ ...EVENTS.downloading, bytesDone: 0, bytesTotal: 0 }])
    expect(bar.progress).toBeCloseTo(3 / 12)
  })

  it('counts failures', () => {
    const { detail } = draw('clone', [
      EVENTS.connected,
      { type: 'file.failed', path: 'a', reason: 'b' },
      EVENTS.downloading
    ])
    expect(detail).toMatch(/^1 failed · /)
  })

  it('forgets a stall as soon as bytes arrive', () => {
    const { view } = draw('clone', [EVENTS.downloading, EVENTS.stalled, EVENTS.downloading])
    expect(view.stalled).not.toBeNull()
    apply(view, { ...EVENTS.downloading, bytesDone: 1.3e9 })
    expect(view.stalled).toBeNull()
  })

  it('keeps a peer that moved to a better route', () => {
    const { view } = draw('share', [EVENTS.connected, EVENTS.better, EVENTS.disconnected])
    expect(view.peers.get('abcdefgh')?.route).toBe('direct')
    apply(view, { ...EVENTS.disconnected, route: 'direct' })
    expect(view.peers.size).toBe(0)
  })

  it('fits, however narrow the terminal is', () => {
    const name = '\x1b[31m日本'
    const scenes: [Work, DatEvent[]][] = [
      ['clone', []],
      ['clone', [EVENTS.connected, EVENTS.downloading]],
      ['clone', [EVENTS.connected, EVENTS.downloading, EVENTS.uploading, EVENTS.stalled]],
      ['clone', [{ ...EVENTS.downloading, bytesDone: 3.4e9 }]],
      ['share', [EVENTS.importing]],
      ['share', [EVENTS.imported, { ...EVENTS.connected, peer: name }, EVENTS.connected, EVENTS.uploading]],
      ['sync', [EVENTS.done, EVENTS.uploading]]
    ]
    for (const [work, events] of scenes) {
      for (let columns = 1; columns <= 130; columns++) {
        const { first, detail } = draw(work, events, columns)
        expect(displayWidth(first), `${work} in ${columns}: ${first}`).toBeLessThanOrEqual(columns)
        expect(displayWidth(detail)).toBeLessThanOrEqual(columns)
        expect(detail).not.toMatch(/\x1b/)
      }
    }
  })
})
