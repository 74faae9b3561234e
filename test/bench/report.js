import { cpus, totalmem } from 'node:os'

/** Numbers as people read them, and tables in plain text. */

/** The middle value; the mean of the two middle values of an even number. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

export const seconds = (value) => `${value.toFixed(value < 10 ? 2 : 1)} s`
export const milliseconds = (value) => `${(value * 1000).toFixed(0)} ms`
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
export const speed = (bytes, time) => `${(bytes / 1e6 / time).toFixed(0)} MB/s`
export const percent = (part) => `${(part * 100).toFixed(1)} %`
export const times = (factor) => `${factor.toFixed(2)} ×`

/** Smallest and largest of several values. */
export function range(values, format) {
  return `${format(Math.min(...values))} – ${format(Math.max(...values))}`
}

/**
 * @param {string[]} heads
 * @param {string[][]} rows
 */
export function table(heads, rows) {
  const all = [heads, ...rows]
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column].length)))
  const line = (row) => `  ${row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ')}`
  return [line(heads), `  ${widths.map((width) => '─'.repeat(width)).join('──')}`, ...rows.map(line)].join('\n')
}

/** What was measured on. */
export function machine() {
  const [cpu] = cpus()
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform}, Node ${process.version}`
}
