import { displayWidth } from '../../base/display-width.js'
import { formatBytes } from '../../base/sizes.js'
import { printable } from '../../base/terminal-text.js'
import { type Found, SIGN_MS } from '../background/records.js'
import { formatDate } from './format.js'
import type { Row } from './ui.js'

/** What a script gets of one share. */
export function processRow({ record, whereabouts }: Found): Row {
  const { dir, work, mode, pid, host, percent, peers, complete, sentBytes, log, failure } = record
  return {
    type: 'process',
    dir,
    work,
    mode,
    pid,
    host,
    // null: it is on another computer, which alone knows.
    running: whereabouts === 'elsewhere' ? null : whereabouts === 'running',
    state: stateOf({ record, whereabouts }),
    percent,
    peers,
    complete,
    sentBytes,
    since: new Date(record.since).toISOString(),
    updated: new Date(record.updated).toISOString(),
    failure,
    log
  }
}

function stateOf({ record, whereabouts }: Found): string {
  if (record.state === 'failed') return 'failed'
  return whereabouts === 'killed' || whereabouts === 'restarted' ? whereabouts : record.state
}

const HEADINGS = ['FOLDER', 'ROLE', 'PEERS', 'SENT', 'SINCE', 'PROCESS', 'STATE']
const RIGHT = new Set([2, 3])
const GAP = 2
const LEAST_FOLDER = 12
/** So many signs of life may fail to come before it is said, where this computer cannot look for itself. */
const SIGNS = 3

/** Heading and one line for each share, no wider than the screen. */
export function processTable(all: readonly Found[], { width, now }: { width: number; now: number }): string[] {
  const rows = [HEADINGS, ...all.map((found) => cells(found, now))]
  const widths = HEADINGS.map((_, i) => Math.max(...rows.map((row) => displayWidth(row[i] ?? ''))))
  const others = widths.slice(1).reduce((sum, one) => sum + one + GAP, 0)
  widths[0] = Math.min(widths[0] ?? 0, Math.max(LEAST_FOLDER, width - others))
  return rows.map((row) => {
    const line = row.map((cell, i) => {
      const room = widths[i] ?? 0
      const text = i === 0 ? keepEnd(cell, room) : cell
      const pad = ' '.repeat(Math.max(0, room - displayWidth(text)))
      return RIGHT.has(i) ? pad + text : text + pad
    })
    return line.join(' '.repeat(GAP)).trimEnd()
  })
}

function cells({ record, whereabouts }: Found, now: number): string[] {
  const { dir, work, peers, sentBytes, since, pid, host, mode } = record
  const process = whereabouts === 'elsewhere' ? `${pid}@${host.split('.')[0]}` : String(pid)
  const gone = whereabouts === 'killed' || whereabouts === 'restarted'
  return [
    printable(dir),
    work,
    gone ? '-' : String(peers),
    formatBytes(sentBytes),
    shortDate(since, now),
    printable(mode === 'service' ? `${process} service` : process),
    stateText({ record, whereabouts }, now)
  ]
}

function stateText({ record, whereabouts }: Found, now: number): string {
  const { state, percent, updated, failure } = record
  if (failure !== null) return 'failed'
  if (whereabouts === 'killed') return 'ended (killed)'
  if (whereabouts === 'restarted') return 'ended (restart)'
  if (whereabouts === 'elsewhere' && now - updated > SIGNS * SIGN_MS) return `silent: ${shortDate(updated, now)}`
  return percent === null ? printable(state) : `${printable(state)} ${percent} %`
}

/** The time of today, or the day: `14:05`, `Nov 21`. */
function shortDate(ms: number, now: number): string {
  const [day = '', time = ''] = formatDate(ms).split(' ')
  if (day === formatDate(now).split(' ')[0]) return time
  return now - ms < YEAR_MS ? `${MONTHS[Number(day.slice(5, 7)) - 1]} ${day.slice(8)}` : day
}

const YEAR_MS = 300 * 24 * 3600 * 1000
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Of a path the end says most. */
function keepEnd(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  const chars = [...text]
  let width = 1
  let from = chars.length
  while (from > 0 && width + displayWidth(chars[from - 1] ?? '') <= columns) width += displayWidth(chars[--from] ?? '')
  return `…${chars.slice(from).join('')}`
}
