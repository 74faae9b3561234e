import type { DatEvent } from '../../base/events.js'
import { formatBytes, formatCount, formatDuration } from '../../base/sizes.js'
import { printable } from '../../base/terminal-text.js'
import { shellWord } from '../background/shell-word.js'
import { amount, bytesOf, countOf, formatRate, LIST_LIMIT, listFailures, percent } from './format.js'
import type { PeerView, View } from './view.js'

/**
 * The lines for people that are worth keeping on the screen, for one event that `view` has taken in already. A terminal
 * and plain output show the same ones; what only moves (progress, who is connected) is not here.
 */
export function messages(event: DatEvent, view: View, mark: string): string[] {
  switch (event.type) {
    case 'link':
      return linkLines(event, view)
    case 'import.done':
      return importLines(event, view)
    case 'peer.complete':
      // What the other computer has matters to who shares.
      return view.work === 'share' || view.work === 'sync' ? [`${mark} ${printable(event.peer)} has everything`] : []
    case 'network.ready':
      return networkLines(event, view)
    case 'stalled':
      // Before anybody was met: why that is so. Later it is part of the state of the work.
      return view.met && view.work !== 'share' ? [] : [printable(event.reason)]
    case 'source.changed':
      return limited(view.changed.count, `${printable(event.path)}: ${printable(event.reason)}`, 'changes')
    case 'file.failed':
      // A download that ends lists its failures at the end.
      if (view.work === 'clone' || view.work === 'pull') return []
      return limited(view.failed.count, `failed: ${printable(event.path)}: ${printable(event.reason)}`, 'failures')
    case 'done':
      return doneLines(event, view)
    default:
      return []
  }
}

function linkLines(event: Extract<DatEvent, { type: 'link' }>, view: View): string[] {
  if (event.link === null) return gatedLines(event, view)
  if (view.work !== 'share') return []
  return [
    `Sharing ${printable(event.dir)}`,
    '',
    'On the other computer, type:',
    `    dat clone ${printable(event.link)}`,
    '',
    'Keep this running; Ctrl-C stops sharing.'
  ]
}

/** Nobody gets in by the link: it is not shown. */
function gatedLines({ dir, gate }: Extract<DatEvent, { type: 'link' }>, { work }: View): string[] {
  if (gate === 'closed') return ['This share is by invitation only: it is not passed on from here.']
  if (work !== 'share') return []
  const strict = gate === 'strict' ? ', as long as the invite counts' : ''
  return [
    `Sharing ${printable(dir)}`,
    `Shared by invitation only${strict}.`,
    '',
    'To let somebody in, type in another terminal:',
    `    dat invite ${printable(shellWord(dir))}`,
    '',
    'Keep this running; Ctrl-C stops sharing.'
  ]
}

function importLines(event: Extract<DatEvent, { type: 'import.done' }>, view: View): string[] {
  if (view.work === 'verify') return []
  const lines = [`Shared: ${amount(event.filesTotal, event.bytesTotal)}${changesText(event)}`]
  const { skipped } = view
  if (skipped.count > 0) {
    lines.push(`${countOf(skipped.count, 'file')} not shared:`, ...listFailures(skipped.first, skipped.count))
    view.skipped = { count: 0, first: [] }
  }
  return lines
}

function changesText(event: Extract<DatEvent, { type: 'import.done' }>): string {
  const { added, changed, removed } = event
  if (added === event.filesTotal && changed + removed === 0) return ''
  const counts = Object.entries({ added, changed, removed }).filter(([, count]) => count > 0)
  return counts.length === 0 ? '' : ` (${counts.map(([what, count]) => `${formatCount(count)} ${what}`).join(', ')})`
}

function networkLines(event: Extract<DatEvent, { type: 'network.ready' }>, view: View): string[] {
  if (view.work !== 'share' && view.work !== 'sync') return []
  if (!event.dht && !event.lan && event.listening.length === 0 && event.relays.length === 0) {
    return ['Nobody can connect: every way to be found is switched off or failed. Run `dat doctor`.']
  }
  return event.listening.map((address) => `Accepting connections on ${printable(address)}`)
}

function doneLines(event: Extract<DatEvent, { type: 'done' }>, view: View): string[] {
  const what = amount(event.files, event.bytes)
  const dir = printable(event.dir)
  if (view.work === 'sync') return [`Up to date: ${what} (version ${event.version})`]
  if (view.work === 'share') return []
  const resumed = view.download?.resumedBytes ?? 0
  const here = resumed > 0 && event.downloadedBytes > 0 ? ` (${formatBytes(resumed)} was here already)` : ''
  if (view.work === 'pull' && event.downloadedBytes === 0) return [`up to date: ${what}, in ${dir}`]
  const time = event.seconds < 1 ? 'less than a second' : formatDuration(event.seconds)
  return [`done: ${what} in ${time}, in ${dir}${here}`]
}

function limited(count: number, line: string, what: string): string[] {
  if (count <= LIST_LIMIT) return [line]
  return count === LIST_LIMIT + 1 ? [`further ${what} are not listed one by one`] : []
}

/** Who is connected, and how: `2 computers: abcdefgh (lan), ijklmnop (direct)`. */
export function peersText(peers: ReadonlyMap<string, PeerView>): string {
  const names = [...peers].map(([id, peer]) => `${printable(id)} (${peer.route}${peer.complete ? ', complete' : ''})`)
  return `${countOf(names.length, 'computer')}: ${names.join(', ')}`
}

/** What the work waits for, if it waits. Never a silent wait. */
export function waitingText(view: View, now: number): string | null {
  const { work, stalled } = view
  if (view.done && work !== 'share' && work !== 'sync') return null
  // Until somebody was met the reason is a line of its own, and the countdown goes on.
  if (stalled && view.met && work !== 'share') {
    const reason = printable(stalled.reason)
    return `stalled for ${formatDuration(stalled.seconds)}: ${reason}`
  }
  if (view.peers.size > 0 || work === 'status') return null
  if (work === 'share' || work === 'sync') {
    if (view.importing) return null
    return work === 'sync' && !view.done
      ? 'waiting for a computer that has this share'
      : 'waiting for somebody to connect'
  }
  if (view.timeout === null) return null
  const who = view.met
    ? 'the other computer is gone; waiting for it to come back'
    : 'looking for a computer that has this share'
  if (view.met || view.timeout === 0) return who
  const left = Math.max(0, Math.ceil(view.timeout - (now - view.since) / 1000))
  return `${who}; gives up in ${left} s`
}

/** `1.5 GB sent at 45.0 MB/s`; a trickle of protocol is no rate. */
export function uploadText({ bytes, bytesPerSecond }: { bytes: number; bytesPerSecond: number }): string {
  return `${formatBytes(bytes)} sent${bytesPerSecond >= 1000 ? ` at ${formatRate(bytesPerSecond)}` : ''}`
}

/** The state of the work in one plain line: what a log shows every ten seconds. */
export function statusLine(view: View, now: number): string {
  const parts: string[] = []
  const { importing, download, upload } = view
  if (importing) {
    const verb = view.work === 'verify' ? 'checking' : 'indexing'
    parts.push(`${verb}: ${progressText(importing)}`)
  }
  if (download && !view.done && download.bytesTotal + download.filesTotal > 0) {
    parts.push(`downloading: ${progressText(download)}`)
    if (download.bytesPerSecond > 0) parts.push(formatRate(download.bytesPerSecond))
    if (download.etaSeconds !== null) parts.push(`${formatDuration(download.etaSeconds)} left`)
  }
  if (upload && upload.bytes > 0) parts.push(uploadText(upload))
  if (view.failed.count > 0) parts.push(`${formatCount(view.failed.count)} failed`)
  if (view.peers.size > 0) parts.push(peersText(view.peers))
  const waiting = waitingText(view, now)
  if (waiting) parts.push(waiting)
  return parts.join(' · ')
}

function progressText(counters: {
  filesDone: number
  filesTotal: number
  bytesDone: number
  bytesTotal: number
}): string {
  const { filesDone, filesTotal, bytesDone, bytesTotal } = counters
  const share = bytesTotal > 0 ? percent(bytesDone, bytesTotal) : percent(filesDone, filesTotal)
  return `${share} %, ${bytesOf(bytesDone, bytesTotal)}, ${formatCount(filesDone)} of ${countOf(filesTotal, 'file')}`
}
