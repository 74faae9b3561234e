import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BlindRelays } from '../../src/transport/blind-relays.js'

const [ONE, OTHER] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const STEADY = { steady: true }
const RANDOM = { steady: false }
const HALF_MINUTE_MS = 30_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the choice of a blind relay', () => {
  test('is the first one, and none where holes can be punched', () => {
    const relays = new BlindRelays(() => [ONE, OTHER])
    expect(relays.choose(RANDOM, false)).toBe(ONE)
    expect(relays.choose(STEADY, false)).toBeNull()
    expect(relays.choose(STEADY, true)).toBe(ONE)
    expect(new BlindRelays(() => []).choose(RANDOM, true)).toBeNull()
  })

  test('leaves out one that was lost for a while, and longer when it is lost again', () => {
    const relays = new BlindRelays(() => [ONE])
    relays.lost(ONE)
    // Several streams break at the same time: that counts once.
    relays.lost(ONE)
    expect(relays.choose(RANDOM, true)).toBeNull()
    vi.advanceTimersByTime(HALF_MINUTE_MS * 1.25)
    expect(relays.choose(RANDOM, true)).toBe(ONE)
    relays.lost(ONE)
    vi.advanceTimersByTime(HALF_MINUTE_MS * 1.25)
    expect(relays.choose(RANDOM, true)).toBeNull()
    vi.advanceTimersByTime(HALF_MINUTE_MS * 1.25)
    expect(relays.choose(RANDOM, true)).toBe(ONE)
  })

  test('takes the next one meanwhile', () => {
    const relays = new BlindRelays(() => [ONE, OTHER])
    relays.lost(ONE)
    expect(relays.choose(RANDOM, false)).toBe(OTHER)
  })
})
