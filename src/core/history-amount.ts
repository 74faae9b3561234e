import { DatError } from '../base/errors.js'

/** How much of the history is kept: all of it, the newest versions, or those of so many milliseconds. */
export type Keep = { all: true } | { versions: number } | { ms: number }

const DAY_MS = 86_400_000
const UNITS: Record<string, number> = { h: DAY_MS / 24, d: DAY_MS, w: 7 * DAY_MS, y: 365 * DAY_MS }

/**
 * Reads `30d` (also h, w, y), `10` or `all`.
 * @throws DatError USAGE
 */
export function parseKeep(text: string): Keep {
  if (text === 'all') return { all: true }
  const [, count = '', unit = ''] = /^(\d{1,6})([hdwy]?)$/.exec(text) ?? []
  const n = Number(count)
  if (count === '' || n === 0) {
    throw new DatError('USAGE', `--keep: "${text}" is not how much of the history to keep`, {
      hint: 'give a time (12h, 30d, 8w, 1y), a number of versions (10), or all'
    })
  }
  return unit === '' ? { versions: n } : { ms: n * (UNITS[unit] as number) }
}
