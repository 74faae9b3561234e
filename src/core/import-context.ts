import type { Report } from '../base/events.js'
import type { ChangeBatch } from './change-batch.js'
import type { OpenDrive } from './drive.js'
import type { IgnoreRules } from './ignore.js'
import type { SourceRoot } from './source-root.js'

/** What all parts of an import share. */
export interface ImportContext {
  open: OpenDrive
  root: SourceRoot
  batch: ChangeBatch
  rules: IgnoreRules
  report: Report
  signal: AbortSignal
  /** Paths of files that are read again even if nothing tells that they changed; removed when they are met. */
  suspects: Set<string>
  /** For a share of one file: its name. */
  only: string | null
  /** Told of each folder before it is listed, so that it can be watched. */
  onfolder?: (folder: string) => void
}
