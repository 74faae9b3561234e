import { stripVTControlCharacters } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { createOutputs, createUi } from '../../../src/cli/ui/create.js'
import type { Ui } from '../../../src/cli/ui/ui.js'
import { EVENTS, LINK } from '../../helpers/events.js'
import { MemoryStream } from '../../helpers/streams.js'

const SHOW_CURSOR = '\x1b[?25h'
const HIDE_CURSOR = '\x1b[?25l'
const COLOR = /\x1b\[[0-9;]*m/g

let ui: Ui | null = null
afterEach(() => ui?.close())

async function open(env: NodeJS.ProcessEnv, options: { color?: boolean; quiet?: boolean } = {}) {
  const stdout = new MemoryStream({ columns: 80 })
  const stderr = new MemoryStream({ columns: 80 })
  const outputs = createOutputs({ stdout, stderr })
  ui = await createUi(
    { json: false, quiet: options.quiet ?? false, color: options.color ?? true, debug: false },
    outputs,
    env
  )
  return { ui, stdout, stderr, outputs }
}

const ENV = { LANG: 'en_US.UTF-8', TERM: 'xterm' }

describe('TtyUi', () => {
  it('draws a coloured frame, and leaves only the lines that stay', async () => {
    const { ui, stderr } = await open(ENV)
    ui.begin('clone', { timeout: 60 })
    ui.event(EVENTS.connected)
    ui.event(EVENTS.downloading)
    // A resize draws at once, whatever the timer does.
    stderr.emit('resize')
    expect(stderr.text).toContain('━')
    expect(stderr.text.replace(COLOR, '')).toMatch(/Downloading ━+─+ {2}35 % {2}1\.2 of 3\.4 GB/)
    expect(stderr.text).toMatch(COLOR)
    ui.event(EVENTS.done)
    expect(stderr.text).toContain('done: 12 files, 3.4 GB in 1 min 11 s, in data (200 MB was here already)\x1b[K\n')
    expect(stderr.text.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(stderr.text.lastIndexOf(HIDE_CURSOR))
    expect(stderr.listenerCount('resize')).toBe(0)
  })

  it('restores the terminal before an error, and before a result on the same screen', async () => {
    const failing = await open(ENV)
    failing.ui.begin('clone', { timeout: 60 })
    failing.ui.fail({ code: 'NO_PEER', message: 'nobody', hint: 'wait', exitCode: 11, failures: [], stack: null })
    expect(failing.stderr.text).toMatch(/\x1b\[\?25h.*error:/s)
    const listing = await open(ENV)
    listing.ui.begin('ls', { timeout: 60 })
    await listing.ui.row({ type: 'file' }, 'a.csv')
    expect(listing.stderr.text).toContain(SHOW_CURSOR)
    expect(listing.stdout.text).toBe('a.csv\n')
    const after = listing.stderr.text
    listing.ui.event(EVENTS.connected)
    expect(listing.stderr.text).toBe(after)
  })

  it('writes the link beside the frame, not into it, when both go to one screen', async () => {
    const screen = new MemoryStream({ columns: 80 })
    const outputs = createOutputs({ stdout: screen, stderr: screen })
    ui = await createUi({ json: false, quiet: false, color: true, debug: false }, outputs, ENV)
    ui.begin('share', { timeout: null })
    screen.emit('resize')
    const before = screen.text.length
    ui.event(EVENTS.link)
    const written = screen.text.slice(before)
    const link = written.indexOf(`${LINK}\n`)
    expect(link).toBeGreaterThan(0)
    // The frame is cleared before, and the new one begins below.
    expect(written.slice(0, link)).toMatch(/\x1b\[0J$/)
    expect(written.slice(link)).not.toMatch(/^[^\n]*\n\x1b\[\d+A/)
  })

  it('cuts off nothing of a line that stays, such as a link with addresses, where the terminal is narrow', async () => {
    const { ui, stderr } = await open(ENV)
    ui.begin('share', { timeout: null })
    ui.event({ ...EVENTS.link, link: `${LINK}@data.example.org:4000` })
    ui.event(EVENTS.connected)
    stderr.emit('resize')
    const line = stderr.text.indexOf(`dat clone ${LINK}@data.example.org:4000`)
    expect(line).toBeGreaterThan(0)
    const wraps = (index: number) => {
      const before = stderr.text.slice(0, index)
      return before.lastIndexOf('\x1b[?7h') >= before.lastIndexOf('\x1b[?7l')
    }
    expect(wraps(line)).toBe(true)
    // The display is redrawn in place, which a line that wraps would break.
    expect(wraps(stderr.text.length)).toBe(false)
  })

  it('breaks prose at words, and no link', async () => {
    const { ui, stderr } = await open(ENV, { color: false })
    ui.begin('clone', { timeout: 60 })
    const message = `${'some words '.repeat(7)}and \`dat doctor\``
    const hint = `try dat clone ${LINK}@data.example.org:4000`
    ui.fail({ code: 'NO_PEER', message, hint, exitCode: 11, failures: [], stack: null })
    const lines = stderr.text.split('\n')
    expect(lines).toContain('words and `dat doctor`')
    expect(lines).toContain(`  ${hint}`)
  })

  it('breaks lines where it breaks them without colours', async () => {
    const shown: string[] = []
    for (const color of [true, false]) {
      const { ui, stderr } = await open(ENV, { color })
      ui.event({ type: 'note', message: `${'some words '.repeat(7)}and no more`, important: true })
      ui.begin('clone', { timeout: 60 })
      ui.event({ type: 'note', message: `${'some words '.repeat(7)}and no more`, important: true })
      const stack = `Error: odd\n    at somewhere (${'a'.repeat(40)} ${'b'.repeat(40)})`
      const message = `${'abcdefg '.repeat(9)}hijkl`
      ui.fail({ code: 'BUG', message, hint: 'report it', exitCode: 1, failures: [], stack })
      shown.push(stripVTControlCharacters(stderr.text))
    }
    expect(shown[0]).toContain('hijkl')
    expect(shown[0]).toBe(shown[1])
  })

  it('uses no colour when told so, and ASCII where the terminal knows no Unicode', async () => {
    for (const [env, options] of [
      [{ ...ENV, NO_COLOR: '1' }, {}],
      [ENV, { color: false }]
    ] as const) {
      const { ui, stderr } = await open(env, options)
      ui.begin('clone', { timeout: 60 })
      ui.event(EVENTS.downloading)
      stderr.emit('resize')
      ui.close()
      expect(stderr.text).toContain('━')
      expect(stderr.text).not.toMatch(COLOR)
    }
    const { ui, stderr } = await open({ TERM: 'xterm', LANG: 'C' })
    ui.begin('clone', { timeout: 60 })
    ui.event(EVENTS.downloading)
    stderr.emit('resize')
    ui.close()
    expect(stderr.text).toContain('###')
    expect(stderr.text).not.toMatch(/[━─]/)
  })

  it('gives way to plain lines with --quiet and on a dumb terminal', async () => {
    for (const [env, quiet] of [
      [ENV, true],
      [{ ...ENV, TERM: 'dumb' }, false]
    ] as const) {
      const { ui, stdout, stderr } = await open(env, { quiet })
      ui.begin('share', { timeout: null })
      for (const event of Object.values(EVENTS)) ui.event(event)
      ui.close()
      expect(stdout.text).toBe(`${LINK}\n`)
      expect(stderr.text).not.toMatch(/\x1b/)
      expect(stderr.text === '').toBe(quiet)
    }
  })
})
