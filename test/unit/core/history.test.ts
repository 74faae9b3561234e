import { expect, it } from 'vitest'
import { nextFork } from '../../../src/core/history.js'

it('the next fork is above all of the generation before it, and another each time', () => {
  for (const fork of [0, 3, 2 ** 20 - 1, 2 ** 20, 2 ** 30 + 5, 2 ** 40 + 2 ** 19]) {
    const numbers = Array.from({ length: 100 }, () => nextFork(fork))
    const generation = Math.floor(fork / 2 ** 20)
    for (const number of numbers) {
      expect(Math.floor(number / 2 ** 20)).toBe(generation + 1)
      expect(Number.isSafeInteger(number)).toBe(true)
    }
    expect(new Set(numbers).size).toBeGreaterThan(90)
    // Who moves on twice is above anybody who does so once, whatever the random part.
    expect(nextFork(Math.min(...numbers))).toBeGreaterThan(Math.max(...numbers))
  }
})
