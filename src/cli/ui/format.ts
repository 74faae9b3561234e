import { charWidth, displayWidth } from '../../base/display-width.js'
import type { Failure } from '../../base/errors.js'
import { formatBytes, formatCount } from '../../base/sizes.js'
import { printable } from '../../base/terminal-text.js'

/** How many names a list shows before it says "and N more". */
export const LIST_LIMIT = 20

/** `1 file`, `12,345 files`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** `12 files, 3.4 MB`. */
export function amount(files: number, bytes: number): string {
  return `${countOf(files, 'file')}, ${formatBytes(bytes)}`
}

/** Two sizes in as few characters as possible: `1.2 of 3.4 GB`, `812 MB of 3.4 GB`. */
export function bytesOf(done: number, total: number): string {
  const [value, unit] = formatBytes(done).split(' ')
  const whole = formatBytes(total)
  return unit === whole.split(' ')[1] ? `${value} of ${whole}` : `${value} ${unit} of ${whole}`
}

/** `3.4 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

/** Whole percents; 100 only when everything is there. An empty whole is complete. */
export function percent(done: number, total: number): number {
  if (total <= 0) return 100
  return Math.max(0, Math.min(100, Math.floor((done / total) * 100)))
}

/** A date as `ls -l` would show it, in local time: `2026-03-01 14:05`. */
export function formatDate(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return '-'
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return '-'
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`
}

/** Names with their reasons, indented, at most LIST_LIMIT of them. */
export function listFailures(failures: readonly Failure[], total = failures.length): string[] {
  const lines = failures.slice(0, LIST_LIMIT).map(({ path, reason }) => `  ${printable(path)}: ${printable(reason)}`)
  const more = total - lines.length
  if (more > 0) lines.push(`  and ${formatCount(more)} more`)
  return lines
}

/** Cuts a text to a number of columns, with an ellipsis where something is missing. */
export function truncate(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  if (columns < 1) return ''
  let out = ''
  let width = 0
  for (const char of text) {
    const next = charWidth(char)
    if (width + next > columns - 1) break
    out += char
    width += next
  }
  return `${out}…`
}
