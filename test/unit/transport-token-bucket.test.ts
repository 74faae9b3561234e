import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TokenBucket } from '../../src/transport/token-bucket.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Moves pieces of a size through the bucket for ever, and counts the bytes. */
function mover(bucket: TokenBucket, size: number): { bytes: number } {
  const moved = { bytes: 0 }
  const turn = () => {
    bucket.spend(size)
    moved.bytes += size
    bucket.wait(turn)
  }
  bucket.wait(turn)
  return moved
}

test.each([1000, 20_000, 200_000, 2_000_000, 50_000_000])('%i bytes per second, within 3 %%', (rate) => {
  const moved = mover(new TokenBucket(rate), Math.max(50, rate / 50))
  vi.advanceTimersByTime(1000)
  for (let i = 0; i < 3; i++) {
    const before = moved.bytes
    vi.advanceTimersByTime(10_000)
    expect((moved.bytes - before) / (10 * rate)).toBeGreaterThan(0.97)
    expect((moved.bytes - before) / (10 * rate)).toBeLessThan(1.03)
  }
})

test('what is moved without a turn counts too, however large', () => {
  const bucket = new TokenBucket(1000)
  bucket.spend(10_000)
  let granted = false
  bucket.wait(() => {
    granted = true
  })
  vi.advanceTimersByTime(9500)
  expect(granted).toBe(false)
  expect(bucket.free).toBe(false)
  vi.advanceTimersByTime(500)
  expect(granted).toBe(true)
})

test('credit does not pile up while nobody moves anything', () => {
  const bucket = new TokenBucket(1000)
  vi.advanceTimersByTime(3_600_000)
  const moved = mover(bucket, 10)
  vi.advanceTimersByTime(10_000)
  expect(moved.bytes).toBeLessThan(10_300)
})

test('all get their turn, whatever they move', () => {
  const bucket = new TokenBucket(100_000)
  const movers = Array.from({ length: 8 }, () => mover(bucket, 1000))
  vi.advanceTimersByTime(10_000)
  const counts = movers.map(({ bytes }) => bytes)
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2000)
})

test('a turn that was taken back is not given', () => {
  const bucket = new TokenBucket(1000)
  let granted = 0
  const cancel = bucket.wait(() => granted++)
  cancel()
  vi.advanceTimersByTime(5000)
  expect(granted).toBe(0)
  expect(bucket.free).toBe(true)
})
