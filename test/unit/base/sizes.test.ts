import { describe, expect, it } from 'vitest'
import { formatBytes, formatCount, formatDuration, parseRate } from '../../../src/base/sizes.js'

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [99_499, '99.5 kB'],
    [99_600, '100 kB'],
    [999_499, '999 kB'],
    [999_600, '1.0 MB'],
    [1.2e9, '1.2 GB'],
    [1e12, '1.0 TB'],
    [5e18, '5000 PB']
  ])('%d is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))
})

describe('formatDuration', () => {
  it.each([
    [0, '0.0 s'],
    [2.34, '2.3 s'],
    [42, '42 s'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3600, '1 h 00 min'],
    [7800, '2 h 10 min'],
    [3 * 86400, '3 days']
  ])('%d s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text))
})

describe('formatCount', () => {
  it('separates thousands', () => expect(formatCount(1234567)).toBe('1,234,567'))
})

describe('parseRate', () => {
  it.each([
    ['10M', 10e6],
    ['500K', 500e3],
    ['500k', 500e3],
    ['2.5MB', 2.5e6],
    ['1g', 1e9],
    ['1000000', 1e6],
    [' 3 MB/s ', 3e6]
  ])('%s', (text, rate) => expect(parseRate(text)).toBe(rate))

  it.each(['', '0', '-1', 'fast', '10X', '1e9', 'NaN', '10 M B'])('refuses %s', (text) => {
    expect(() => parseRate(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})
