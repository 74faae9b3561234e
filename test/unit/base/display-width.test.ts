import { expect, it } from 'vitest'
import { displayWidth } from '../../../src/base/display-width.js'

it('counts columns, not characters', () => {
  expect(displayWidth('abc')).toBe(3)
  expect(displayWidth('日本')).toBe(4)
  expect(displayWidth('u\u0308')).toBe(1)
  expect(displayWidth('🧬')).toBe(2)
})

it('counts nothing for what colours a text', () => {
  expect(displayWidth('\x1b[1m\x1b[31mab\x1b[39m\x1b[22m c')).toBe(4)
})
