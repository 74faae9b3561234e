import { displayWidth } from '../../base/display-width.js'
import { formatCount, formatDuration } from '../../base/sizes.js'
import { amount, bytesOf, countOf, formatRate, percent, truncate } from './format.js'
import { peersText, uploadText, waitingText } from './messages.js'
import type { View } from './view.js'

/** The first line of the display: its parts, so that the bar in the middle can be drawn and coloured by the terminal. */
export interface BarLine {
  label: string
  /** From 0 to 1; null for work without an end. */
  progress: number | null
  /** Columns for the bar and not for the space before it; 0 for no bar. */
  barColumns: number
  /** What follows, with the space before it. */
  text: string
}

const BAR_MIN = 8
const BAR_MAX = 30
const GAP = '  '

/** Lays out the moving display: what is going on, and with whom. Each line fits into `columns`. */
export function frame(view: View, columns: number, now: number): { bar: BarLine; detail: string } {
  return { bar: barLine(view, columns), detail: truncate(detailText(view, now), columns) }
}

function barLine(view: View, columns: number): BarLine {
  const { importing, download } = view
  const counters = importing ?? (view.done || !download || total(download) === 0 ? null : download)
  if (!counters) {
    const label = truncate(idleLabel(view), columns)
    const sent = sentText(view)
    const text = sent ? truncate(` · ${sent}`, columns - displayWidth(label)) : ''
    return { label, progress: null, barColumns: 0, text }
  }
  const { filesDone, filesTotal, bytesDone, bytesTotal } = counters
  const [done, all] = bytesTotal > 0 ? [bytesDone, bytesTotal] : [filesDone, filesTotal]
  const label = truncate(phase(view, done >= all), columns)
  const facts = [`${String(percent(done, all)).padStart(2)} %`, bytesOf(bytesDone, bytesTotal)]
  if (!importing && download && done < all) {
    if (download.bytesPerSecond > 0) facts.push(formatRate(download.bytesPerSecond))
    if (download.etaSeconds !== null) facts.push(`${formatDuration(download.etaSeconds)} left`)
  }
  // What is least needed goes first where the terminal is narrow: time left, rate, bytes, and the bar last.
  while (facts.length > 1 && room(label, facts, columns) < BAR_MIN) facts.pop()
  const free = room(label, facts, columns)
  const barColumns = free < BAR_MIN ? 0 : Math.min(free, BAR_MAX)
  const used = displayWidth(label) + (barColumns > 0 ? barColumns + 1 : 0)
  const text = truncate(`${GAP}${facts.join(GAP)}`, columns - used)
  return { label, progress: all > 0 ? done / all : 1, barColumns, text }
}

function phase(view: View, finished: boolean): string {
  if (view.importing) return view.work === 'verify' ? 'Checking' : 'Indexing'
  return finished ? 'Finishing' : 'Downloading'
}

function room(label: string, facts: readonly string[], columns: number): number {
  return columns - displayWidth(label) - 1 - GAP.length - displayWidth(facts.join(GAP))
}

function total(counters: { bytesTotal: number; filesTotal: number }): number {
  return counters.bytesTotal + counters.filesTotal
}

function idleLabel(view: View): string {
  const shared = view.imported ? ` ${amount(view.imported.filesTotal, view.imported.bytesTotal)}` : ''
  switch (view.work) {
    case 'share':
      return `Sharing${shared}`
    case 'sync':
      return view.done ? 'Up to date' : 'Connecting'
    case 'verify':
      return 'Checking'
    default:
      return view.peers.size > 0 ? 'Connected' : 'Connecting'
  }
}

function sentText({ upload }: View): string {
  return upload && upload.bytes > 0 ? uploadText(upload) : ''
}

function detailText(view: View, now: number): string {
  const parts: string[] = []
  const { importing, download, peers, failed } = view
  const counters = importing ?? (view.done ? null : download)
  if (failed.count > 0) parts.push(`${formatCount(failed.count)} failed`)
  const waiting = waitingText(view, now)
  if (waiting) parts.push(waiting)
  if (counters && counters.filesTotal > 0) {
    parts.push(`${formatCount(counters.filesDone)} of ${countOf(counters.filesTotal, 'file')}`)
  }
  if (counters && sentText(view)) parts.push(sentText(view))
  if (peers.size > 0) parts.push(peersText(peers))
  return parts.join(' · ')
}
