import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Alarm } from '../../src/transport/alarm.js'
import { Backoff } from '../../src/transport/backoff.js'
import { watchClock } from '../../src/transport/clock.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('waits double up to the cap, give or take a quarter, and start again after a reset', () => {
  const backoff = new Backoff(500, 15_000)
  const waits = Array.from({ length: 10 }, () => backoff.next())
  const expected = [500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000, 15_000, 15_000]
  for (const [i, wait] of waits.entries()) {
    expect(wait).toBeGreaterThanOrEqual((expected[i] ?? 0) * 0.75)
    expect(wait).toBeLessThanOrEqual((expected[i] ?? 0) * 1.25)
  }
  backoff.reset()
  expect(backoff.next()).toBeLessThanOrEqual(625)
})

describe('an alarm', () => {
  test('rings by itself, by hand, and for good when closed', async () => {
    const alarm = new Alarm()
    let woken = 0
    const sleep = async () => {
      await alarm.sleep(60_000)
      woken++
    }
    const first = sleep()
    await vi.advanceTimersByTimeAsync(59_000)
    expect(woken).toBe(0)
    await vi.advanceTimersByTimeAsync(1000)
    await first
    const second = sleep()
    alarm.ring()
    await second
    const third = sleep()
    alarm.close()
    await third
    await sleep()
    expect(woken).toBe(4)
    expect(alarm.closed).toBe(true)
  })
})

describe('the clock', () => {
  test('notices that the machine slept', () => {
    const jumps: number[] = []
    const clock = watchClock((ms) => jumps.push(ms))
    vi.advanceTimersByTime(10_000)
    expect(jumps).toEqual([])
    vi.setSystemTime(Date.now() + 3_600_000)
    vi.advanceTimersByTime(4000)
    expect(jumps).toEqual([3_600_000])
    clock.close()
    vi.setSystemTime(Date.now() + 3_600_000)
    vi.advanceTimersByTime(10_000)
    expect(jumps).toHaveLength(1)
  })
})
