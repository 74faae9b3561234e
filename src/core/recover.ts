import fs from 'node:fs'
import type Hypercore from 'hypercore'
import type { Report } from '../base/events.js'
import { pathOf } from '../storage/beneath.js'
import { type FileRecord, fingerprintOf } from '../storage/file-record.js'
import { uniformBlockSize } from '../storage/layout.js'
import { badBlocks, holdsBlocks } from './content-check.js'
import type { OpenDrive } from './drive.js'
import { fileKeyIn, historyKeys, isEntry } from './entry.js'

/** Files that are compared with the history together. */
const MAX_OTHERS = 4096

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
  const others = new Map<string, FileRecord>()
  for await (const record of open.index.records()) {
    if (record.kind !== 'file') continue
    if (record.state === 'done' && (await isOther(open, record))) others.set(record.path, record)
    else lost += await checkFile(open, content, record, since)
    if (others.size >= MAX_OTHERS) await adoptOlder(open, others)
  }
  await adoptOlder(open, others)
  if (lost > 0) report({ type: 'note', message: `${lost} blocks had not reached the disk and are fetched again` })
  await open.settle()
}

/** Whether another file is there than the index says. */
async function isOther(open: OpenDrive, record: FileRecord): Promise<boolean> {
  const stats = await fs.promises.lstat(pathOf({ root: open.root, path: record.path })).catch(() => null)
  return stats?.isFile() === true && (stats.size !== record.size || stats.mtimeMs !== record.mtime)
}

/**
 * Files that are not as the index says were altered by the user, and stay; or their last rename never reached the disk:
 * then they are, byte for byte, what the share had under that name before, and give way to the newer one.
 */
async function adoptOlder(open: OpenDrive, others: Map<string, FileRecord>): Promise<void> {
  if (others.size === 0) return
  for await (const { key, value } of open.drive.db.createHistoryStream({ ...historyKeys, reverse: true })) {
    const path = /^\/(.*)$/s.exec(fileKeyIn(key) ?? '')?.[1] ?? ''
    const record = others.get(path)
    if (!record || !isEntry(value)) continue
    const file = { root: open.root, path }
    const stats = await fs.promises.lstat(pathOf(file)).catch(() => null)
    const { blob } = value
    if (!stats?.isFile() || value.linkname || stats.size !== (blob?.byteLength ?? 0)) continue
    if (blob && !(uniformBlockSize(blob) && (await holdsBlocks(open, file, blob)))) continue
    const batch = open.index.batch()
    batch.put({ ...record, ...fingerprintOf(stats), range: null }, record)
    await batch.flush()
    others.delete(path)
    if (others.size === 0) break
  }
  others.clear()
}

/** @returns the number of blocks that were lost */
async function checkFile(open: OpenDrive, content: Hypercore, record: FileRecord, since: number): Promise<number> {
  const { range } = record
  if (!range || !uniformBlockSize(range)) return 0
  const file = record.state === 'partial' ? open.files.partials.file(range) : { root: open.root, path: record.path }
  const stats = await fs.promises.lstat(pathOf(file)).catch(() => null)
  if (!stats?.isFile() || (record.state === 'done' && stats.ctimeMs < since)) return 0
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
