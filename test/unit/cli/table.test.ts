import { describe, expect, it } from 'vitest'
import { listLine, logLine, problemLine, statusText } from '../../../src/cli/ui/table.js'
import { LINK } from '../../helpers/events.js'

const modified = new Date(2026, 2, 1, 4, 5).getTime()

describe('tables', () => {
  it('lists size, date and name, marked as by ls -F', () => {
    const entry = { path: 'a b.csv', bytes: 1234, modified, kind: 'file', executable: false } as const
    expect(listLine(entry)).toBe('  1.2 kB  2026-03-01 04:05  a b.csv')
    expect(listLine({ ...entry, executable: true })).toMatch(/a b\.csv\*$/)
    expect(listLine({ ...entry, kind: 'folder', modified: null })).toBe('       -  -                 a b.csv/')
    expect(listLine({ ...entry, kind: 'link' })).toMatch(/a b\.csv@$/)
  })

  it('shows a change', () => {
    const change = { version: 7, op: 'put', path: 'a', bytes: 10, date: new Date(modified).toISOString() } as const
    expect(logLine(change)).toBe('     7  put      10 B  2026-03-01 04:05  a')
    expect(logLine({ ...change, op: 'del', date: null })).toBe('     7  del         -  -                 a')
    expect(logLine({ ...change, date: 'nonsense' })).toContain('  -   ')
  })

  it('shows a status', () => {
    const status = { link: LINK, role: 'clone', dir: '/d', version: 3, files: 12, bytes: 3.4e6 } as const
    const whole = statusText({ ...status, complete: true, missing: [], missingBytes: 0, changed: [] })
    expect(whole.split('\n')).toEqual([
      `link      ${LINK}`,
      'role      clone',
      'folder    /d',
      'version   3',
      'files     12 files, 3.4 MB',
      'complete  yes',
      'changed   nothing since'
    ])
    const missing = Array.from({ length: 21 }, (_, i) => ({ path: `m${i}`, reason: 'not downloaded yet' }))
    const text = statusText({
      ...status,
      role: 'owner',
      complete: false,
      missing,
      missingBytes: 5e6,
      changed: [{ path: 'a\nb', reason: 'new' }]
    })
    expect(text).toContain('complete  no: 21 files, 5.0 MB missing\n  m0: not downloaded yet')
    expect(text).toContain('  and 1 more')
    expect(text).toContain('changed   1 since:\n  new      a?b')
    expect(text).toContain('role      owner')
  })

  it('prints no escape sequence from a name', () => {
    const path = 'a\x1b[2J\u202e'
    const printed = [
      listLine({ path, bytes: 1, modified: null, kind: 'file', executable: false }),
      logLine({ version: 1, op: 'put', path, bytes: 1, date: null }),
      problemLine({ path, problem: 'damaged', repaired: true })
    ]
    for (const line of printed) expect(line).not.toMatch(/[\x00-\x1f\u202e]/)
    expect(printed[2]).toBe('damaged  a?[2J? (repaired)')
  })
})
