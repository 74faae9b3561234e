import type { Evidence } from './evidence.js'

/** A clock that is off by more than this, in ms, is wrong: certificates and dates of files suffer. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000

export interface ClockReading {
  /** This clock is so many milliseconds late; null when nobody told the time. */
  off: number | null
  /** Whose clock says so, where there is no second one that says the same; '' where there is. */
  by: string
}

/**
 * What the clocks of others say of this one. One that is wrong itself must not make this one wrong: as long as any of
 * two agrees with this clock it is taken for right, and among more the one in the middle counts.
 */
export function readClock({ clocks }: Pick<Evidence, 'clocks'>): ClockReading {
  const sorted = clocks.toSorted((a, b) => a.off - b.off)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
  if (!low || !high) return { off: null, by: '' }
  const { off, host } = Math.abs(low.off) < Math.abs(high.off) ? low : high
  const agreeing = clocks.filter((one) => Math.abs(one.off - off) <= CLOCK_TOLERANCE_MS)
  return { off, by: agreeing.length > 1 ? '' : host }
}

/** Whether this clock is wrong by all that is known. */
export function clockWrong(evidence: Evidence): boolean {
  const { off } = readClock(evidence)
  if (off !== null) return Math.abs(off) > CLOCK_TOLERANCE_MS
  return evidence.relays.some(({ facts }) => facts?.certificateTime)
}
