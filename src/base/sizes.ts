import { DatError } from './errors.js'

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Bytes for a person, in powers of 1000 as file managers and disk makers count: `1.2 GB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

/** Seconds for a person: `42 s`, `3 min 05 s`, `2 h 10 min`, `3 days`. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const s = Math.round(seconds)
  if (s < 60) return `${s} s`
  const min = Math.floor(s / 60)
  if (min < 60) return `${min} min ${String(s % 60).padStart(2, '0')} s`
  const h = Math.floor(min / 60)
  if (h < 48) return `${h} h ${String(min % 60).padStart(2, '0')} min`
  return `${Math.round(h / 24)} days`
}

/** A whole number with separators: `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/**
 * Reads a rate such as `10M`, `500K`, `2.5MB` or `1000000` as bytes per second (powers of 1000).
 * @throws DatError USAGE
 */
export function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?)b?(?:\/s)?$/i.exec(text.trim())
  const factor = { '': 1, k: 1e3, m: 1e6, g: 1e9 }[(match?.[2] ?? '').toLowerCase()]
  const rate = match && factor ? Number(match[1]) * factor : 0
  if (!(rate >= 1)) {
    throw new DatError('USAGE', `"${text}" is not a rate`, { hint: 'write bytes per second, such as 10M or 500K' })
  }
  return Math.floor(rate)
}
