import { DatError } from './errors.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const UNITS: Record<string, number> = {
  s: 1000,
  m: HOUR_MS / 60,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
  y: 365 * DAY_MS
}
/** Longer than anybody plans. */
const MAX_MS = 100 * 365 * DAY_MS

/**
 * Reads a length of time: `90s`, `30m`, `24h`, `7d`, `2w` or `1y`.
 * @param option what to name in the error
 * @returns milliseconds
 * @throws DatError USAGE
 */
export function parseDuration(text: string, option: string): number {
  const [, count = '0', unit = ''] = /^(\d{1,9})\s*([smhdwy])$/.exec(text.trim().toLowerCase()) ?? []
  const ms = Number(count) * (UNITS[unit] ?? 0)
  if (ms > 0 && ms <= MAX_MS) return ms
  throw new DatError('USAGE', `${option}: "${text}" is not a length of time`, {
    hint: `write minutes, hours, days or weeks: ${option} 30m, 24h, 7d, 2w`
  })
}
