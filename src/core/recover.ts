import fs from 'node:fs'
import type Hypercore from 'hypercore'
import type { Report } from '../base/events.js'
import { pathOf } from '../storage/beneath.js'
import type { FileRecord } from '../storage/file-record.js'
import { uniformBlockSize } from '../storage/layout.js'
import { badBlocks } from './content-check.js'
import type { OpenDrive } from './drive.js'

/**
 * After the machine went down, not just the program: what was written shortly before may never have reached the disk,
 * whatever the index says. Hashes again what was written since the last opening, and takes back the claim on blocks
 * that are not there.
 */
export async function recover(open: OpenDrive, content: Hypercore, report: Report): Promise<void> {
  const { since } = open
  if (since === null) return
  report({ type: 'note', message: 'the computer went down during the last download: checking what was written then' })
  let lost = 0
  for await (const record of open.index.records()) {
    if (record.kind === 'file' && record.range) lost += await checkFile(open, content, record, since)
  }
  if (lost > 0) report({ type: 'note', message: `${lost} blocks had not reached the disk and are fetched again` })
  await open.settle()
}

/** @returns the number of blocks that were lost */
async function checkFile(open: OpenDrive, content: Hypercore, record: FileRecord, since: number): Promise<number> {
  const { range } = record
  if (!range || !uniformBlockSize(range)) return 0
  const file = record.state === 'partial' ? open.files.partials.file(range) : { root: open.root, path: record.path }
  const stats = await fs.promises.lstat(pathOf(file)).catch(() => null)
  if (!stats?.isFile() || (record.state === 'done' && stats.ctimeMs < since)) return 0
  // An altered file is found, and kept, by the comparison with its record.
  if (record.state === 'done' && (stats.size !== record.size || stats.mtimeMs !== record.mtime)) return 0
  const bad: number[] = []
  for await (const index of badBlocks(open, file, range)) {
    if (content.core.bitfield.get(index)) bad.push(index)
  }
  for (const index of bad) await content.clear(index, index + 1)
  if (bad.length > 0 && record.state === 'done') {
    // The rest of it is good: it becomes the partial file again.
    await open.files.partials.makeFolder()
    await open.workers.edit({ edit: 'move', at: file, to: open.files.partials.file(range) })
    const batch = open.index.batch()
    batch.put({ ...record, state: 'partial', mtime: 0, inode: 0, ctime: 0 }, record)
    await batch.flush()
  }
  return bad.length
}
