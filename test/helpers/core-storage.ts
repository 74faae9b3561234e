import Corestore from 'corestore'
import { InPlaceStorage } from '../../src/storage/core-storage.js'
import { FileIndex } from '../../src/storage/file-index.js'
import type { FileRecord } from '../../src/storage/file-record.js'
import type * as workers from '../../src/storage/file-workers.js'
import { BLOCK_SIZE, type BlockRange } from '../../src/storage/layout.js'
import { defer } from './cleanup.js'
import { built, temporaryFolder } from './core.js'

/** An index in a folder of its own. */
export async function openIndex(): Promise<FileIndex> {
  const storage = new InPlaceStorage(await temporaryFolder())
  const store = new Corestore(storage)
  defer(() => store.close())
  await store.ready()
  return new FileIndex(storage.db)
}

/** Worker threads for files, as they are installed. */
export async function openWorkers(size = 2): Promise<workers.FileWorkers> {
  const { FileWorkers } = await built<typeof workers>('storage/file-workers')
  const opened = new FileWorkers(size)
  defer(() => opened.close())
  return opened
}

/** A record of a finished file; its blocks from `blockOffset` on, if it has any. */
export function fileRecord(path: string, blockOffset: number | null, more: Partial<FileRecord> = {}): FileRecord {
  const size = more.size ?? more.range?.byteLength ?? (blockOffset === null ? 0 : 10)
  const range = blockOffset === null ? null : rangeOf(blockOffset, size)
  const plain = { path, kind: 'file', state: 'done', executable: false, racy: false, target: '' } as const
  return { ...plain, size, mtime: 1_700_000_000_000.25, inode: 7, ctime: 1_700_000_000_001.5, range, ...more }
}

export function rangeOf(blockOffset: number, byteLength: number): BlockRange {
  return { blockOffset, blockLength: Math.ceil(byteLength / BLOCK_SIZE), byteOffset: blockOffset * 10, byteLength }
}

export async function putAll(index: FileIndex, records: readonly FileRecord[]): Promise<void> {
  const batch = index.batch()
  for (const record of records) batch.put(record, null)
  await batch.flush()
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
