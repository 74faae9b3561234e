import { describe, expect, it } from 'vitest'
import { DatError } from '../../../src/base/errors.js'
import { errorLines, explain } from '../../../src/cli/ui/error.js'
import { PLAIN_PAINT } from '../../../src/cli/ui/paint.js'

const lines = (error: unknown, debug = false) => errorLines(explain(error, { debug }), PLAIN_PAINT)

describe('explain', () => {
  it('shows message and hint of a DatError, and no stack trace', () => {
    expect(lines(new DatError('DENIED', 'access denied', { hint: 'ask again' }))).toEqual([
      'error: access denied',
      '  ask again'
    ])
    expect(explain(new DatError('DENIED', 'x'), { debug: false })).toMatchObject({
      code: 'DENIED',
      exitCode: 12,
      stack: null
    })
  })

  it('adds the stack trace and the cause with --debug', () => {
    const text = lines(new DatError('SOURCE', 'x', { cause: new Error('deeper') }), true).join('\n')
    expect(text).toMatch(/error\.test\.ts/)
    expect(text).toMatch(/caused by Error: deeper/)
  })

  it('calls everything else a bug: exit code 1, with a stack trace', () => {
    const explained = explain(new TypeError('x is not a function'), { debug: false })
    expect(explained).toMatchObject({ code: 'BUG', exitCode: 1 })
    expect(explained.message).toMatch(/bug in dat.*x is not a function/)
    expect(explained.stack).toMatch(/error\.test\.ts/)
    expect(explain('text', { debug: false })).toMatchObject({ code: 'BUG', exitCode: 1, stack: 'text' })
    expect(explain(undefined, { debug: false })).toMatchObject({ code: 'BUG', exitCode: 1 })
  })

  it.each([
    ['ENOSPC', 'DISK_FULL', 16],
    ['EDQUOT', 'DISK_FULL', 16],
    ['EACCES', 'PERMISSION', 16],
    ['EROFS', 'PERMISSION', 16],
    ['ENOENT', 'BUG', 1]
  ])('knows that %s from anywhere is %s', (code, expected, exitCode) => {
    const error = Object.assign(new Error('raw'), { code, path: '/data/x' })
    const explained = explain(error, { debug: false })
    expect(explained).toMatchObject({ code: expected, exitCode })
    if (exitCode === 16) expect(explained.message).toContain('/data/x')
  })

  it('knows that no memory is a limit of the system, and no bug', () => {
    const wasm = new RangeError(
      'WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance'
    )
    const worker = Object.assign(new Error('Worker terminated'), { code: 'ERR_WORKER_OUT_OF_MEMORY' })
    const rocks = new Error('IO error: While mmap: /x/.dat: Cannot allocate memory')
    for (const error of [wasm, worker, rocks, new Error('cannot open', { cause: wasm })]) {
      expect(explain(error, { debug: false })).toMatchObject({ code: 'MEMORY_LIMIT', exitCode: 16, stack: null })
    }
    expect(explain(new RangeError('Invalid array length'), { debug: false })).toMatchObject({ code: 'BUG' })
  })

  it('prints nothing that moves the cursor, in whatever part of the error', () => {
    const evil = 'a\x1b[2J\r\u202e'
    const error = new DatError('PARTIAL', evil, {
      hint: evil,
      failures: [{ path: evil, reason: evil }],
      cause: new Error(evil)
    })
    expect(lines(error, true).join('')).not.toMatch(/[\x00-\x1f\u202e]/)
    expect(lines(new Error(evil)).join('')).not.toMatch(/[\x00-\x1f\u202e]/)
  })

  it('speaks calmly of an interruption', () => {
    expect(lines(new DatError('INTERRUPTED', 'stopped sharing', { hint: '' }))).toEqual(['Stopped sharing.'])
    expect(lines(new DatError('INTERRUPTED', 'interrupted', { hint: 'run it again' }))).toEqual([
      'Interrupted. Run it again.'
    ])
  })
})
