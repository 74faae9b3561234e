import fs from 'node:fs'
import type Hypercore from 'hypercore'
import type { Report } from '../base/events.js'
import type { FileRecord } from '../storage/file-record.js'
import { uniformBlockSize } from '../storage/layout.js'
import { type OpenDrive, treeHash } from './drive.js'

/** A file is hashed in stretches of about this many bytes. */
const STRETCH_BYTES = 16 * 1024 * 1024

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
  const blockSize = range && uniformBlockSize(range)
  if (!range || !blockSize) return 0
  const file = record.state === 'partial' ? open.files.partials.file(range) : `${open.place.root}/${record.path}`
  const stats = await fs.promises.lstat(file).catch(() => null)
  if (!stats?.isFile() || (record.state === 'done' && stats.ctimeMs < since)) return 0
  // An altered file is found, and kept, by the comparison with its record.
  if (record.state === 'done' && (stats.size !== record.size || stats.mtimeMs !== record.mtime)) return 0
  const bad: number[] = []
  const step = Math.max(1, Math.floor(STRETCH_BYTES / blockSize))
  for (let first = 0; first < range.blockLength; first += step) {
    const start = first * blockSize
    const length = Math.min(step * blockSize, range.byteLength - start)
    const [hashed] = await open.workers.hash([{ file, start, length, blockSize }])
    for (let i = 0; i * blockSize < length; i++) {
      const index = range.blockOffset + first + i
      if (!content.core.bitfield.get(index)) continue
      const expected = await treeHash(open.drive, index)
      const actual = hashed && 'hashes' in hashed ? hashed.hashes.subarray(i * 32, i * 32 + 32) : null
      if (!actual || !expected?.equals(actual)) bad.push(index)
    }
  }
  for (const index of bad) await content.clear(index, index + 1)
  if (bad.length > 0 && record.state === 'done') {
    // The rest of it is good: it becomes the partial file again.
    await open.files.partials.makeFolder()
    await fs.promises.rename(file, open.files.partials.file(range))
    const batch = open.index.batch()
    batch.put({ ...record, state: 'partial', mtime: 0, inode: 0 }, record)
    await batch.flush()
  }
  return bad.length
}
