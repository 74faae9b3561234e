import { describe, expect, it } from 'vitest'
import { DatError } from '../../../src/base/errors.js'
import { createOutputs } from '../../../src/cli/ui/create.js'
import { explain } from '../../../src/cli/ui/error.js'
import { JsonUi, toJsonLine } from '../../../src/cli/ui/json.js'
import { PLAIN_PAINT } from '../../../src/cli/ui/paint.js'
import type { Ui } from '../../../src/cli/ui/ui.js'
import { MemoryStream } from '../../helpers/streams.js'

const TIME = new Date('2026-03-01T12:00:00.000Z')

function open() {
  const stdout = new MemoryStream()
  const stderr = new MemoryStream()
  const { out, err } = createOutputs({ stdout, stderr })
  const ui: Ui = new JsonUi(out, err, PLAIN_PAINT, () => TIME)
  return { ui, stdout, stderr }
}

describe('JsonUi', () => {
  it('writes each event as one line with v, type and time, and nothing on stderr', () => {
    const { ui, stdout, stderr } = open()
    ui.event({ type: 'peer.connected', peer: 'abc', route: 'lan', address: '127.0.0.1:1' })
    ui.event({ type: 'note', message: 'two\nlines' })
    ui.info('for people')
    expect(stdout.objects).toEqual([
      { v: 1, type: 'peer.connected', time: TIME.toISOString(), peer: 'abc', route: 'lan', address: '127.0.0.1:1' },
      { v: 1, type: 'note', time: TIME.toISOString(), message: 'two\nlines' }
    ])
    expect(stdout.text.startsWith('{"v":1,"type":"peer.connected","time":"')).toBe(true)
    expect(stderr.text).toBe('')
  })

  it('writes results as objects, without the text for people', async () => {
    const { ui, stdout } = open()
    expect(await ui.row({ type: 'file', path: 'a', bytes: 1 }, '1 B  a')).toBe(true)
    expect(stdout.objects).toEqual([{ v: 1, type: 'file', time: TIME.toISOString(), path: 'a', bytes: 1 }])
  })

  it('writes an error on stdout, and for people on stderr', () => {
    const { ui, stdout, stderr } = open()
    const error = new DatError('PARTIAL', '1 file failed', { failures: [{ path: 'a', reason: 'b' }] })
    ui.fail(explain(error, { debug: false }))
    expect(stdout.objects).toEqual([
      {
        v: 1,
        type: 'error',
        time: TIME.toISOString(),
        code: 'PARTIAL',
        message: '1 file failed',
        hint: error.hint,
        exitCode: 3,
        failures: [{ path: 'a', reason: 'b' }]
      }
    ])
    expect(stderr.lines).toEqual(['error: 1 file failed', '  a: b', `  ${error.hint}`])
  })
})

describe('toJsonLine', () => {
  it('is exact for scripts and harmless on a terminal', () => {
    const value = { path: 'ü日🧬 a\x1b[2J\x9b\u202e\u{e0041}\ud800\n\u2028' }
    const line = toJsonLine(value)
    expect(JSON.parse(line)).toEqual(value)
    expect(line).toContain('ü日🧬 a')
    expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e\u2028]/)
    expect(line).toContain('\\u202e')
  })
})
