/**
 * Everything that core and transports tell the outside, as one union. `docs/scripting.md` is the contract for
 * scripts: the JSON output is these objects plus `v` and `time`. Counters are absolute. Bytes are bytes, never blocks.
 */

import type { PairEvent } from './pair-events.js'
import type { Route } from './route.js'

export type { Route }

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
  /**
   * Others can get the share. `link` and `key` are null where they let nobody in: by invitation only. `closed`: not even
   * then, since this is a clone of such a share, which is passed on by its owner alone.
   */
  | { type: 'link'; link: string | null; key: string | null; dir: string; gate?: 'gated' | 'strict' | 'closed' }
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
  /** A relay can be reached here; `url` is for `--relay`. */
  | { type: 'relay.listening'; url: string; port: number }
  /** `bytes` were passed on since the start; `rss` is the memory of the process. */
  | {
      type: 'relay.stats'
      clients: number
      circuits: number
      bytes: number
      udpPairs: number
      udpBytes: number
      rss: number
    }
  /** What one probe of the doctor found; `summary` is for people, `evidence` has the facts. */
  | {
      type: 'probe'
      id: string
      status: 'ok' | 'fail' | 'unknown' | 'skipped'
      evidence: object | null
      summary: string
      ms: number
    }
  /** What the doctor makes of it. */
  | {
      type: 'verdict'
      code: string
      severity: 'ok' | 'warning' | 'problem'
      title: string
      advice: string[]
      itText: string
      warnings: { code: string; title: string; advice: string[] }[]
      certain: boolean
      doubt: string
      facts: string[]
      exitCode: number
    }
  | PairEvent
  /** `important`: shown without being asked for; the user named something that does not work. */
  | { type: 'note'; message: string; important?: true }

/** The one way in which core and transports speak. It never throws and never blocks. */
export type Report = (event: DatEvent) => void
