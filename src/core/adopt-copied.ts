import { uniformBlockSize } from '../storage/layout.js'
import type { OpenDrive } from './drive.js'
import { strayBlocks } from './stray-blocks.js'
import { look, QUIETLY } from './walk.js'

/**
 * A clone that was copied, and not renamed, has files with other inodes, and perhaps other times: dat would take them
 * for altered, and leave them alone for ever. Those with the right content are its own.
 */
export async function adoptCopied(open: OpenDrive): Promise<void> {
  if (!open.copied) return
  const { root, workers } = open
  for await (const record of open.index.records()) {
    if (record.kind !== 'file' || record.state !== 'done') continue
    const found = await look({ root, workers, ...QUIETLY }, record.path)
    if (found?.kind !== 'file' || found.size !== record.size) continue
    if (found.mtime !== record.mtime) {
      const blockSize = record.range && uniformBlockSize(record.range)
      if (!record.range || !blockSize) continue
      if ((await strayBlocks(open, { root, path: record.path }, record.range, blockSize)).length > 0) continue
    }
    const batch = open.index.batch()
    batch.put({ ...record, mtime: found.mtime, inode: found.inode }, record)
    await batch.flush()
  }
  // Looked at again after the next copy only.
  if (open.since === null) await open.settle()
}
