import { uniformBlockSize } from '../storage/layout.js'
import { holdsBlocks } from './content-check.js'
import type { OpenDrive } from './drive.js'
import { look, QUIETLY } from './walk.js'

/**
 * A clone that was copied, and not renamed, has files with other inodes, and perhaps other times: dat would take them
 * for altered, and leave them alone for ever. Those with the right content are its own.
 */
export async function adoptCopied(open: OpenDrive): Promise<void> {
  if (!open.copied) return
  const { root, workers } = open
  for await (const record of open.index.records()) {
    if (record.kind !== 'file') continue
    const found = await look({ root, workers, ...QUIETLY }, record.path)
    if (found?.kind !== 'file') continue
    // While a new version is on its way, the record has the time of the old one, and the size of the new one.
    if (record.state !== 'done' ? found.mtime !== record.mtime : found.size !== record.size) continue
    if (found.mtime !== record.mtime) {
      if (!record.range || !uniformBlockSize(record.range)) continue
      if (!(await holdsBlocks(open, { root, path: record.path }, record.range))) continue
    }
    const batch = open.index.batch()
    batch.put({ ...record, mtime: found.mtime, inode: found.inode }, record)
    await batch.flush()
  }
  // Looked at again after the next copy only.
  if (open.since === null) await open.settle()
}
