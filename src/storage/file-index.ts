import type { RocksSession, RocksWrite } from 'hypercore-storage'
import { decodeRecord, encodeRecord, type FileRecord, type Fingerprint } from './file-record.js'
import {
  ARCHIVED,
  allOf,
  archivedKey,
  BLOCK,
  blockIn,
  blockKey,
  hashKey,
  inodeKey,
  metaKey,
  PATH,
  pathKey,
  sizeKey
} from './index-keys.js'
import type { BlockRange } from './layout.js'
import { parseList, parseStored } from './stored-json.js'

/**
 * The index of a share or a clone: which path holds which blocks, and how each file looked when it was last read.
 * It lives in the RocksDB of the Corestore, under keys that start with a byte which hypercore-storage does not use, so
 * that memory does not grow with the number of files and one lock guards both. docs/storage-format.md has the layout.
 */

/** Of files from this size on the sizes are noted: only then may another be a duplicate that is worth waiting for. */
export const LARGE_BYTES = 256 * 1024 * 1024
/** Files from this size on are found again by inode after a move; smaller ones are quickly hashed again. */
const MOVE_MIN_BYTES = 1024 * 1024
const SCAN_CAPACITY = 512

/** Changes to the index, written together. */
export interface IndexBatch {
  /** Replaces what is known of a path. `previous` is the record that it replaces, if there is one. */
  put(record: FileRecord, previous: FileRecord | null): void
  remove(record: FileRecord): void
  putContent(hash: Buffer, range: BlockRange): void
  putMeta(name: string, value: unknown): void
  putArchived(range: BlockRange): void
  removeArchived(range: BlockRange): void
  flush(): Promise<void>
}

export class FileIndex {
  readonly #db: RocksSession
  /** Told of each record that changes, so that caches can follow. */
  onchange: ((record: FileRecord) => void) | null = null

  constructor(db: RocksSession) {
    this.#db = db
  }

  async get(path: string): Promise<FileRecord | null> {
    const value = await this.#db.get(pathKey(path))
    return value && decodeRecord(path, value)
  }

  /** The records of several paths, in their order, in one read. */
  async getMany(paths: readonly string[]): Promise<(FileRecord | null)[]> {
    const values = await this.#values(paths.map(pathKey))
    return values.map((value, i) => value && decodeRecord(paths[i] as string, value))
  }

  /** All records in the byte order of their paths, from a folder (`a/b/`) or of everything (''). */
  async *records(folder = ''): AsyncGenerator<FileRecord> {
    const inside = { gte: pathKey(folder), lt: pathKey(`${folder.slice(0, -1)}0`) }
    const range = folder === '' ? allOf(PATH) : inside
    for await (const { key, value } of this.#db.iterator(range, { capacity: SCAN_CAPACITY })) {
      yield decodeRecord(key.subarray(2).toString(), value)
    }
  }

  async isEmpty(): Promise<boolean> {
    // An iterator that is not closed keeps the database from closing: leaving the loop closes it.
    for await (const _record of this.records()) return false
    return true
  }

  /** The first blocks and paths of up to `limit` files from the one that may hold block `index` on. */
  async rangesFrom(index: number, limit: number): Promise<{ blockOffset: number; path: string }[]> {
    let start = blockKey(index, '')
    const before = { ...allOf(BLOCK), lt: blockKey(index + 1, '') }
    for await (const { key } of this.#db.iterator(before, { reverse: true, limit: 1, capacity: 1 })) {
      start = key.subarray(0, 10)
    }
    const found: { blockOffset: number; path: string }[] = []
    const after = { ...allOf(BLOCK), gte: start }
    for await (const { key } of this.#db.iterator(after, { limit, capacity: limit })) {
      found.push({ blockOffset: blockIn(key), path: key.subarray(10).toString() })
    }
    return found
  }

  /** The first blocks of all files from block `from` on, in order; identical files have the same one. */
  async *firstBlocks(from: number): AsyncGenerator<number> {
    const range = { ...allOf(BLOCK), gte: blockKey(from, '') }
    for await (const { key } of this.#db.iterator(range, { capacity: SCAN_CAPACITY })) {
      yield blockIn(key)
    }
  }

  /** Whether a file, or the archive, has the run of blocks that begins here. */
  async hasOwner(blockOffset: number): Promise<boolean> {
    return (await this.countUnowned({ blockOffset, blockLength: 1 })) === 0
  }

  /**
   * How many blocks of a run nobody has any more, counted from its first: none if it is that of a file or of the archive,
   * or those up to where the next one begins. A large file that changed while it was shared was promised more than it got.
   */
  async countUnowned({ blockOffset, blockLength }: Pick<BlockRange, 'blockOffset' | 'blockLength'>): Promise<number> {
    let end = blockOffset + blockLength
    for await (const first of this.firstBlocks(blockOffset)) {
      end = Math.min(end, first)
      break
    }
    const kept = { ...allOf(ARCHIVED), gte: archivedKey(blockOffset) }
    for await (const { key } of this.#db.iterator(kept, { limit: 1, capacity: 1 })) {
      end = Math.min(end, blockIn(key))
    }
    return end - blockOffset
  }

  async isArchived(blockOffset: number): Promise<boolean> {
    return (await this.#db.get(archivedKey(blockOffset))) !== null
  }

  /** The same for several, in one read. */
  async areArchived(blockOffsets: readonly number[]): Promise<boolean[]> {
    return (await this.#values(blockOffsets.map(archivedKey))).map((value) => value !== null)
  }

  /** The content in the archive that has block `index`. */
  async archivedAround(index: number): Promise<BlockRange | null> {
    const upTo = { ...allOf(ARCHIVED), lt: archivedKey(index + 1) }
    for await (const { key, value } of this.#db.iterator(upTo, { reverse: true, limit: 1, capacity: 1 })) {
      const range = archivedRange(key, value)
      return index < range.blockOffset + range.blockLength ? range : null
    }
    return null
  }

  /** All contents in the archive, in the order of their blocks. */
  async *archived(): AsyncGenerator<BlockRange> {
    for await (const { key, value } of this.#db.iterator(allOf(ARCHIVED), { capacity: SCAN_CAPACITY }))
      yield archivedRange(key, value)
  }

  /** The blocks of a file with this content, if there was one. */
  async rangeOfContent(hash: Buffer): Promise<BlockRange | null> {
    const value = await this.#db.get(hashKey(hash))
    if (!value) return null
    const [blockOffset, blockLength, byteOffset, byteLength] = parseList<[number, number, number, number]>(value)
    return { blockOffset, blockLength, byteOffset, byteLength }
  }

  /** The record of the file that had this fingerprint, under whatever path, if it is large enough to be remembered. */
  async findMoved(fingerprint: Fingerprint): Promise<FileRecord | null> {
    if (fingerprint.size < MOVE_MIN_BYTES) return null
    const path = await this.#db.get(inodeKey(fingerprint))
    return path && this.get(path.toString())
  }

  /** Whether a large file of exactly this size is known: only then can another one be its duplicate. */
  async hasLargeSize(size: number): Promise<boolean> {
    return (await this.#db.get(sizeKey(size))) !== null
  }

  async getMeta<T>(name: string): Promise<T | null> {
    const value = await this.#db.get(metaKey(name))
    return value && (parseStored(value) as T)
  }

  async #values(keys: readonly Buffer[]): Promise<(Buffer | null)[]> {
    if (keys.length === 0) return []
    const read = this.#db.read({ autoDestroy: true })
    const pending = keys.map((key) => read.get(key))
    read.tryFlush()
    return Promise.all(pending)
  }

  batch(): IndexBatch {
    const operations: ((tx: RocksWrite) => void)[] = []
    const changed: FileRecord[] = []
    return {
      put: (record, previous) => {
        operations.push((tx) => {
          const sameBlocks = previous !== null && previous.range?.blockOffset === record.range?.blockOffset
          if (previous && !sameBlocks) removeKeys(tx, previous)
          putKeys(tx, record, !sameBlocks)
        })
        if (previous) changed.push(previous)
        changed.push(record)
      },
      remove: (record) => {
        operations.push((tx) => {
          removeKeys(tx, record)
          tx.tryDelete(pathKey(record.path))
        })
        changed.push(record)
      },
      putContent: (hash, { blockOffset, blockLength, byteOffset, byteLength }) => {
        const value = JSON.stringify([blockOffset, blockLength, byteOffset, byteLength])
        operations.push((tx) => {
          tx.tryPut(hashKey(hash), Buffer.from(value))
          if (byteLength >= LARGE_BYTES) tx.tryPut(sizeKey(byteLength), Buffer.alloc(0))
        })
      },
      putMeta: (name, value) => {
        operations.push((tx) => tx.tryPut(metaKey(name), Buffer.from(JSON.stringify(value))))
      },
      putArchived: ({ blockOffset, blockLength, byteOffset, byteLength }) => {
        const value = Buffer.from(JSON.stringify([blockLength, byteOffset, byteLength]))
        operations.push((tx) => tx.tryPut(archivedKey(blockOffset), value))
      },
      removeArchived: ({ blockOffset }) => {
        operations.push((tx) => tx.tryDelete(archivedKey(blockOffset)))
      },
      flush: async () => {
        if (operations.length === 0) return
        // Opened only now: a batch that is given up must not hold the database open.
        const tx = this.#db.write({ autoDestroy: true })
        for (const operation of operations) operation(tx)
        await tx.flush()
        if (this.onchange) for (const record of changed) this.onchange(record)
      }
    }
  }
}

function putKeys(tx: RocksWrite, record: FileRecord, blocks: boolean): void {
  tx.tryPut(pathKey(record.path), encodeRecord(record))
  if (blocks && record.range) tx.tryPut(blockKey(record.range.blockOffset, record.path), Buffer.alloc(0))
  if (movable(record)) tx.tryPut(inodeKey(record), Buffer.from(record.path))
}

// An inode's key stays: by the time the old path goes, the new one may own it, and a stale key finds no matching record.
function removeKeys(tx: RocksWrite, record: FileRecord): void {
  if (record.range) tx.tryDelete(blockKey(record.range.blockOffset, record.path))
}

function movable(record: FileRecord): boolean {
  return record.range !== null && record.state === 'done' && record.size >= MOVE_MIN_BYTES
}

function archivedRange(key: Buffer, value: Buffer): BlockRange {
  const [blockLength, byteOffset, byteLength] = parseList<[number, number, number]>(value)
  return { blockOffset: blockIn(key), blockLength, byteOffset, byteLength }
}
