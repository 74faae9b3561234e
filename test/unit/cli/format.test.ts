import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../../src/base/display-width.js'
import { amount, bytesOf, countOf, formatDate, listFailures, percent, truncate } from '../../../src/cli/ui/format.js'

describe('counts and sizes', () => {
  it('says one and many', () => {
    expect(countOf(0, 'file')).toBe('0 files')
    expect(countOf(1, 'file')).toBe('1 file')
    expect(amount(12345, 3.4e6)).toBe('12,345 files, 3.4 MB')
  })

  it('writes a shared unit once', () => {
    expect(bytesOf(1.2e9, 3.4e9)).toBe('1.2 of 3.4 GB')
    expect(bytesOf(812e6, 3.4e9)).toBe('812 MB of 3.4 GB')
    expect(bytesOf(0, 0)).toBe('0 of 0 B')
  })

  it('never says 100 % too early', () => {
    expect(percent(999_999, 1_000_000)).toBe(99)
    expect(percent(1_000_000, 1_000_000)).toBe(100)
    expect(percent(0, 0)).toBe(100)
    expect(percent(5, 4)).toBe(100)
    expect(percent(-1, 4)).toBe(0)
  })
})

describe('formatDate', () => {
  it('is local time, or a dash', () => {
    expect(formatDate(new Date(2026, 2, 1, 4, 5).getTime())).toBe('2026-03-01 04:05')
    for (const odd of [null, Number.NaN, Number.POSITIVE_INFINITY, 1e300]) expect(formatDate(odd)).toBe('-')
  })
})

describe('truncate counts columns, not characters:', () => {
  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
    ['abc', -3, ''],
    ['', 0, '']
  ])('%s in %d columns is %s', (text, columns, shown) => {
    expect(truncate(text, columns)).toBe(shown)
    expect(displayWidth(shown)).toBeLessThanOrEqual(Math.max(0, columns))
  })
})

describe('listFailures', () => {
  it('names at most twenty, counts the rest, and prints nothing dangerous', () => {
    const failures = Array.from({ length: 25 }, (_, i) => ({ path: `a\x1b[2J${i}`, reason: 'no\u202ee' }))
    const lines = listFailures(failures)
    expect(lines).toHaveLength(21)
    expect(lines[0]).toBe('  a?[2J0: no?e')
    expect(lines[20]).toBe('  and 5 more')
    expect(listFailures(failures.slice(0, 20))).toHaveLength(20)
    expect(listFailures(failures.slice(0, 20), 1000).at(-1)).toBe('  and 980 more')
  })
})
