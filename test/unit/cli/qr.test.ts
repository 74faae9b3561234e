import { encode } from 'uqr'
import { afterEach, describe, expect, it } from 'vitest'
import { createOutputs, createUi } from '../../../src/cli/ui/create.js'
import { qrCode } from '../../../src/cli/ui/qr.js'
import type { Ui, UiOptions } from '../../../src/cli/ui/ui.js'
import { EVENTS, LINK } from '../../helpers/events.js'
import { MemoryStream } from '../../helpers/streams.js'

const ENV = { LANG: 'en_US.UTF-8', TERM: 'xterm', NO_COLOR: '1' }
const HALVES: Record<string, readonly [boolean, boolean]> = {
  '█': [false, false],
  '▀': [false, true],
  '▄': [true, false],
  ' ': [true, true]
}

/** What a camera sees on a dark terminal: which squares are dark. */
function squares(drawn: string): boolean[][] {
  return drawn.split('\n').flatMap((line) => {
    const halves = [...line].map((char) => HALVES[char] ?? [])
    return [halves.map(([upper]) => upper === true), halves.map(([, lower]) => lower === true)]
  })
}

let ui: Ui | null = null
afterEach(() => ui?.close())

async function open(terminals: { stdout?: number; stderr?: number }, options: Partial<UiOptions> = {}) {
  const stdout = new MemoryStream(terminals.stdout ? { columns: terminals.stdout } : undefined)
  const stderr = new MemoryStream(terminals.stderr ? { columns: terminals.stderr } : undefined)
  const given = { json: false, quiet: false, color: true, debug: false, ...options }
  ui = await createUi(given, createOutputs({ stdout, stderr }), ENV)
  return { ui, stdout, stderr }
}

const CODE = qrCode(LINK, 80) as string

describe('a link as a QR code', () => {
  it('is drawn square by square as the encoder has it, and fits half a screen of 80 columns', () => {
    const { data, size } = encode(LINK, { ecc: 'L', border: 2 })
    const drawn = squares(CODE)
    // With an odd number of rows there is half a row more.
    expect(drawn.slice(0, size)).toEqual(data)
    expect(CODE.split('\n').length).toBeLessThanOrEqual(20)
    expect(qrCode(LINK, size)).toBe(CODE)
    expect(qrCode(LINK, size - 1)).toBeNull()
  })

  it('is on stderr if that is a terminal, whole, also while a display is redrawn below', async () => {
    const { ui, stdout, stderr } = await open({ stdout: 80, stderr: 80 })
    ui.begin('share', { timeout: null })
    ui.event(EVENTS.link)
    ui.qr(LINK)
    ui.close()
    expect(stdout.text).toBe(`${LINK}\n`)
    expect(stderr.text.replaceAll(/\x1b\[\??\d*[A-Za-z]/g, '').replaceAll('\r', '')).toContain(`${CODE}\n`)
  })

  it('is on stdout where that alone is a terminal, and nowhere without one', async () => {
    const mixed = await open({ stdout: 80 })
    mixed.ui.begin('share', { timeout: null })
    mixed.ui.event(EVENTS.link)
    mixed.ui.qr(LINK)
    expect(mixed.stdout.text).toBe(`${LINK}\n${CODE}\n`)
    expect(mixed.stderr.text).not.toContain('█')
    mixed.ui.close()
    const piped = await open({})
    piped.ui.begin('share', { timeout: null })
    piped.ui.event(EVENTS.link)
    piped.ui.qr(LINK)
    expect(piped.stdout.text).toBe(`${LINK}\n`)
    expect(piped.stderr.text).not.toContain('█')
  })

  it('was asked for, so that --quiet does not keep it back; --json and a log do', async () => {
    const quiet = await open({ stderr: 80 }, { quiet: true })
    quiet.ui.qr(LINK)
    expect(quiet.stderr.text).toBe(`${CODE}\n`)
    for (const options of [{ json: true }, { runAs: 'service' as const }]) {
      const { ui, stdout, stderr } = await open({ stdout: 80, stderr: 80 }, options)
      ui.qr(LINK)
      expect(stdout.text + stderr.text).toBe('')
    }
  })

  it('is not drawn in a window that would break it', async () => {
    const { ui, stderr } = await open({ stderr: 30 })
    ui.qr(LINK)
    expect(stderr.text).not.toContain('█')
    expect(stderr.text).toContain('too narrow')
  })
})
