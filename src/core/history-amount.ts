import { parseDuration } from '../base/duration.js'
import { DatError } from '../base/errors.js'

/** How much of the history is kept: all of it, the newest versions, or those of so many milliseconds. */
export type Keep = { all: true } | { versions: number } | { ms: number }

/**
 * Reads `30d` (or another length of time), `10` or `all`.
 * @throws DatError USAGE
 */
export function parseKeep(text: string): Keep {
  if (text === 'all') return { all: true }
  if (/^\d{1,6}$/.test(text) && Number(text) > 0) return { versions: Number(text) }
  try {
    return { ms: parseDuration(text, '--keep') }
  } catch (cause) {
    throw new DatError('USAGE', `--keep: "${text}" is not how much of the history to keep`, {
      hint: 'give a time (12h, 30d, 8w, 1y), a number of versions (10), or all',
      cause
    })
  }
}
