import type Hypercore from 'hypercore'
import type { EntryValue } from 'hyperdrive'
import type { Report } from '../base/events.js'
import type { FileRecord } from '../storage/file-record.js'
import type { OpenDrive } from './drive.js'
import type { Replication } from './replication.js'
import type { Selection } from './selection.js'

/** What all parts of a download share. */
export interface DownloadContext {
  open: OpenDrive
  content: Hypercore
  replication: Replication
  selection: Selection
  report: Report
  signal: AbortSignal
  force: boolean
  dryRun: boolean
  /** The version that is wanted; null for the newest, always. */
  pin: number | null
  /** The share forked in this session: what arrived about then is looked at before it is trusted. */
  careful: boolean
}

/** An entry of the drive and what the index knows of its path. */
export interface Wanted {
  path: string
  value: EntryValue
  record: FileRecord | null
}

/** The same before the index was asked. */
export type Unresolved = Omit<Wanted, 'record'> & { record: FileRecord | null | undefined }
