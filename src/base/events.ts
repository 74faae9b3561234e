/**
 * Everything that core and transports tell the outside, as one union. `docs/scripting.md` is the contract for
 * scripts: the JSON output is these objects plus `v` and `time`. Counters are absolute. Bytes are bytes, never blocks.
 */

/** How the bytes travel to a peer. */
export type Route = 'direct' | 'lan' | 'tcp' | 'relay'

export interface ImportCounters {
  filesDone: number
  filesTotal: number
  bytesDone: number
  bytesTotal: number
}

export interface DownloadProgress extends ImportCounters {
  bytesPerSecond: number
  /** null while the rate is unknown. */
  etaSeconds: number | null
  /** Bytes that were already here, verified, when this run began. */
  resumedBytes: number
}

export type DatEvent =
  | { type: 'link'; link: string; key: string; dir: string }
  | ({ type: 'import.progress' } & ImportCounters)
  | ({
      type: 'import.done'
      added: number
      changed: number
      removed: number
      skipped: number
      version: number
    } & ImportCounters)
  | { type: 'file.skipped'; path: string; reason: string }
  | { type: 'network.ready'; dht: boolean; lan: boolean; relays: string[]; listening: string[] }
  | { type: 'peer.connected'; peer: string; route: Route; address: string }
  | { type: 'peer.disconnected'; peer: string; route: Route; address: string }
  | { type: 'peer.complete'; peer: string; version: number }
  | ({ type: 'download.progress' } & DownloadProgress)
  | { type: 'upload.progress'; bytes: number; bytesPerSecond: number; peers: number }
  | { type: 'stalled'; seconds: number; reason: string }
  | { type: 'file.done'; path: string }
  | { type: 'file.removed'; path: string }
  | { type: 'file.planned'; path: string; action: 'get' | 'remove'; bytes: number }
  | { type: 'file.failed'; path: string; reason: string }
  | { type: 'source.changed'; path: string; reason: string }
  | {
      type: 'done'
      dir: string
      version: number
      files: number
      bytes: number
      downloadedBytes: number
      seconds: number
    }
  | { type: 'note'; message: string }

/** The one way in which core and transports speak. It never throws and never blocks. */
export type Report = (event: DatEvent) => void
