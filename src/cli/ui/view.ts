import type { Failure } from '../../base/errors.js'
import type { DatEvent, DownloadProgress, ImportCounters, Route } from '../../base/events.js'
import { LIST_LIMIT } from './format.js'
import type { Work } from './ui.js'

/** Things counted, of which the first few are kept by name: memory does not grow with their number. */
export interface Tally {
  count: number
  first: Failure[]
}

export interface PeerView {
  route: Route
  address: string
  complete: boolean
}

/** Everything that a display needs to know, folded from the events. */
export interface View {
  work: Work
  /** Seconds that the command looks for a peer; 0 for ever, null if it needs none. */
  timeout: number | null
  /** When the work began, in ms. */
  since: number
  importing: ImportCounters | null
  imported: ImportCounters | null
  download: DownloadProgress | null
  upload: { bytes: number; bytesPerSecond: number } | null
  peers: Map<string, PeerView>
  /** At least one peer was seen since the beginning. */
  met: boolean
  stalled: { seconds: number; reason: string } | null
  skipped: Tally
  failed: Tally
  changed: Tally
  done: boolean
}

export function createView(work: Work, options: { timeout: number | null }, now: number): View {
  return {
    work,
    timeout: options.timeout,
    since: now,
    importing: null,
    imported: null,
    download: null,
    upload: null,
    peers: new Map(),
    met: false,
    stalled: null,
    skipped: { count: 0, first: [] },
    failed: { count: 0, first: [] },
    changed: { count: 0, first: [] },
    done: false
  }
}

/** Takes one event into the view. */
export function apply(view: View, event: DatEvent): void {
  switch (event.type) {
    case 'import.progress':
      view.importing = event
      break
    case 'import.done':
      view.importing = null
      view.imported = event
      break
    case 'peer.connected':
      view.met = true
      view.stalled = null
      view.peers.set(event.peer, { route: event.route, address: event.address, complete: false })
      break
    case 'peer.disconnected':
      // A peer that moved to a better route drops the old one afterwards.
      if (view.peers.get(event.peer)?.route === event.route) view.peers.delete(event.peer)
      break
    case 'peer.complete': {
      const peer = view.peers.get(event.peer)
      if (peer) peer.complete = true
      break
    }
    case 'download.progress':
      if (event.bytesDone > (view.download?.bytesDone ?? 0)) view.stalled = null
      view.download = event
      view.done = false
      break
    case 'upload.progress':
      view.upload = event
      break
    case 'stalled':
      view.stalled = event
      break
    case 'file.skipped':
      add(view.skipped, event)
      break
    case 'file.failed':
      add(view.failed, event)
      break
    case 'source.changed':
      add(view.changed, event)
      break
    case 'done':
      view.done = true
      view.stalled = null
      break
    default:
      break
  }
}

function add(tally: Tally, { path, reason }: Failure): void {
  tally.count++
  if (tally.first.length < LIST_LIMIT) tally.first.push({ path, reason })
}
