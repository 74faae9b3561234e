import { describe, expect, it } from 'vitest'
import type { DatEvent } from '../../../src/base/events.js'
import { createOutputs } from '../../../src/cli/ui/create.js'
import { PLAIN_PAINT } from '../../../src/cli/ui/paint.js'
import { PlainUi } from '../../../src/cli/ui/plain.js'
import type { TextStyle } from '../../../src/cli/ui/text.js'
import type { Work } from '../../../src/cli/ui/ui.js'
import { EVENTS, LINK } from '../../helpers/events.js'
import { MemoryStream } from '../../helpers/streams.js'

function open(work: Work, options: { timeout?: number | null; style?: Partial<TextStyle> } = {}) {
  const stdout = new MemoryStream()
  const stderr = new MemoryStream()
  const { out, err } = createOutputs({ stdout, stderr })
  const clock = { now: 0 }
  const style = { paint: PLAIN_PAINT, debug: false, quiet: false, unicode: true, ...options.style }
  const ui = new PlainUi(out, err, style, () => clock.now)
  ui.begin(work, { timeout: options.timeout ?? null })
  const play = (...events: DatEvent[]) => {
    for (const event of events) ui.event(event)
    ui.close()
    return stderr.text
  }
  return { ui, stdout, stderr, clock, play }
}

describe('share', () => {
  it('prints the bare link on stdout, and on stderr what to do with it', () => {
    const { play, stdout } = open('share')
    const text = play(EVENTS.link, EVENTS.imported)
    expect(stdout.text).toBe(`${LINK}\n`)
    expect(text).toContain('Sharing /home/anna/data\n')
    expect(text).toContain(`    dat clone ${LINK}\n`)
    expect(text).toContain('Ctrl-C stops sharing')
    expect(text).toContain('Shared: 12 files, 3.4 GB\n')
  })

  it('fits into 80 columns', () => {
    for (const line of open('share').play(EVENTS.link).split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('says what changed, and names what was skipped', () => {
    const { play } = open('share')
    const text = play(
      { type: 'file.skipped', path: 'a\x1b]0;x\x07', reason: 'permission denied' },
      { ...EVENTS.imported, added: 1, changed: 2, removed: 3 },
      EVENTS.imported
    )
    expect(text).toContain('Shared: 12 files, 3.4 GB (1 added, 2 changed, 3 removed)\n')
    expect(text.match(/1 file not shared:\n {2}a\?\]0;x\?: permission denied\n/g)).toHaveLength(1)
  })

  it('says who has everything', () => {
    expect(open('share').play(EVENTS.connected, EVENTS.complete)).toContain('✓ abcdefgh has everything\n')
    expect(open('share', { style: { unicode: false } }).play(EVENTS.complete)).toContain(
      'ok: abcdefgh has everything\n'
    )
  })

  it('does not list changes for ever', () => {
    const changes = Array.from(
      { length: 30 },
      (_, i): DatEvent => ({ type: 'source.changed', path: `f${i}`, reason: 'changed' })
    )
    const lines = open('share')
      .play(...changes)
      .trimEnd()
      .split('\n')
    expect(lines).toHaveLength(21)
    expect(lines.at(-1)).toContain('not listed')
  })

  it('warns when nobody can connect', () => {
    const ready: DatEvent = { type: 'network.ready', dht: false, lan: false, relays: [], listening: [] }
    expect(open('share').play(ready)).toMatch(/Nobody can connect/)
    expect(open('share').play({ ...ready, lan: true })).toBe('')
    expect(open('share').play({ ...ready, listening: ['127.0.0.1:4000'] })).toContain(
      'Accepting connections on 127.0.0.1:4000'
    )
  })
})

describe('clone', () => {
  it('ends with one line that says everything', () => {
    const { play, stdout } = open('clone', { timeout: 60 })
    const text = play(EVENTS.link, EVENTS.connected, EVENTS.downloading, EVENTS.done)
    expect(text.trimEnd().split('\n').at(-1)).toBe(
      'done: 12 files, 3.4 GB in 1 min 11 s, in data (200 MB was here already)'
    )
    expect(stdout.text).toBe('')
  })

  it('lists as results what a dry run would do', () => {
    const { play, stdout } = open('clone')
    const planned: DatEvent = { type: 'file.planned', path: 'a\x1bb', action: 'get', bytes: 1200 }
    expect(play(planned, { ...planned, action: 'remove' })).toBe('')
    expect(stdout.text).toBe('get       1.2 kB  a?b\nremove    1.2 kB  a?b\n')
  })

  it('leaves the list of failures to the end', () => {
    expect(open('clone').play({ type: 'file.failed', path: 'a', reason: 'b' })).toBe('')
    expect(open('sync').play({ type: 'file.failed', path: 'a', reason: 'b' })).toBe('failed: a: b\n')
  })

  it('says that a pull had nothing to do', () => {
    expect(open('pull').play({ ...EVENTS.done, downloadedBytes: 0 })).toBe('up to date: 12 files, 3.4 GB, in data\n')
  })
})

describe('a plain line every ten seconds', () => {
  it('says who waits for what', () => {
    const { ui, stderr, clock } = open('clone', { timeout: 60 })
    clock.now = 10_000
    ui.tick()
    ui.event(EVENTS.connected)
    ui.event(EVENTS.downloading)
    ui.tick()
    ui.event(EVENTS.disconnected)
    ui.event(EVENTS.stalled)
    ui.tick()
    ui.close()
    const lines = stderr.lines
    expect(lines[0]).toBe('looking for a computer that has this share; gives up in 50 s')
    expect(lines[2]).toBe(
      'downloading: 35 %, 1.2 of 3.4 GB, 3 of 12 files · 45.0 MB/s · 49 s left · 1 computer: abcdefgh (lan)'
    )
    expect(lines.at(-1)).toMatch(/stalled for 12 s: the other computer is gone$/)
  })

  it('does not repeat itself', () => {
    const { ui, stderr } = open('share')
    ui.tick()
    ui.tick()
    ui.close()
    expect(stderr.lines).toEqual(['waiting for somebody to connect'])
  })

  it('says that a clone waits for a peer that it lost', () => {
    const { ui, stderr } = open('clone', { timeout: 60 })
    ui.event(EVENTS.connected)
    ui.event(EVENTS.disconnected)
    ui.tick()
    ui.close()
    expect(stderr.lines.at(-1)).toBe('the other computer is gone; waiting for it to come back')
  })
})

describe('--quiet and --debug', () => {
  it('prints results and errors only', async () => {
    const { ui, play, stdout } = open('share', { style: { quiet: true } })
    expect(await ui.row({ type: 'x' }, 'a result')).toBe(true)
    expect(play(...Object.values(EVENTS))).toBe('')
    expect(stdout.text).toBe(`a result\n${LINK}\n`)
  })

  it('prints notes with --debug only', () => {
    const note = { type: 'note', message: 'about\x1b[2J' } as const
    expect(open('share').play(note)).toBe('')
    expect(open('share', { style: { debug: true } }).play(note)).toBe('note: about?[2J\n')
  })
})
