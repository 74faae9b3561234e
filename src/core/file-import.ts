import crypto from 'hypercore-crypto'
import type { EntryValue } from 'hyperdrive'
import { reasonOf } from '../base/errors.js'
import { LARGE_BYTES } from '../storage/file-index.js'
import { type FileRecord, sameFingerprint, sameRange } from '../storage/file-record.js'
import { type HashJob, type HashResult, toError } from '../storage/file-tasks.js'
import { HashedBlock } from '../storage/hashed-block.js'
import { BLOCK_SIZE, type BlockRange } from '../storage/layout.js'
import { fileKeys } from './entry.js'
import type { ImportContext } from './import-context.js'
import { type Found, look, QUIETLY } from './walk.js'

/** A file is hashed in stretches of this many bytes, several at once. */
export const TASK_BYTES = 16 * 1024 * 1024
/** Index meta: path of the large file whose blocks are being appended. */
export const PENDING = 'pending'

/** Times of files have this resolution at worst (FAT, ext3, NFS v2), in milliseconds. */
const RACY_MS = 2000
/** A file that changes while it is read is read again this often; then it is left to the watcher. */
const ATTEMPTS = 3

type Hashed = { blocks: HashedBlock[]; contentHash: Buffer }
type Outcome = { failed: string | null }
const DONE: Outcome = { failed: null }

/** One new or changed path on its way into the share. */
export class FileImport {
  jobs: HashJob[]
  /** Of `jobs`, where they were handed to the hasher already. */
  results: Promise<HashResult[]>[] | null = null
  lastOfTask = false
  readonly #options: ImportContext
  /** What the index has for this path. */
  #previous: FileRecord | null
  /** When `found` was found: milliseconds since 1970. */
  #lookedAt = Date.now()
  #found: Found
  #moved: FileRecord | null = null

  constructor(options: ImportContext, found: Found, previous: FileRecord | null) {
    this.#options = options
    this.#found = found
    this.#previous = previous
    this.jobs = found.kind === 'file' ? this.#jobs() : []
  }

  /** Bytes that this file will take up in the hasher; 0 if it need not be read. */
  async bytesToHash(): Promise<number> {
    if (this.jobs.length === 0) return 0
    this.#moved = await this.#findMoved()
    if (this.#moved) this.jobs = []
    return Math.min(TASK_BYTES, this.#moved ? 0 : this.#found.size)
  }

  /**
   * Puts the file into the batch.
   * @param onbytes told how many bytes of the file are done
   * @param flush writes the batch out
   */
  async commit(onbytes: (bytes: number) => void, flush: () => Promise<void>): Promise<Outcome> {
    const { batch } = this.#options
    if (this.#found.kind !== 'file' || this.#found.size === 0) {
      batch.put(this.#record(null), this.#previous)
      return DONE
    }
    if (this.#moved) {
      // Looked at again: its old path may have been removed since, and its blocks with it.
      const moved = await this.#findMoved()
      if (moved?.range) {
        batch.put(this.#record(moved.range), this.#previous)
        return DONE
      }
      this.#moved = null
      this.jobs = this.#jobs()
    }
    const outcome = await this.#attempt(onbytes, flush)
    // What was shared of a large file while it was hashed is withdrawn if the rest cannot follow.
    const promised = this.#previous
    if (outcome.failed && promised?.state === 'indexing') {
      batch.remove(promised)
      await flush()
      await this.#setPending(null)
    }
    return outcome
  }

  async #attempt(onbytes: (bytes: number) => void, flush: () => Promise<void>): Promise<Outcome> {
    const { batch } = this.#options
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const large = this.#found.size >= LARGE_BYTES && !(await this.#options.open.index.hasLargeSize(this.#found.size))
      const outcome = large ? await this.#commitLarge(onbytes, flush) : await this.#commitWhole(onbytes)
      if (outcome !== 'changed') return outcome
      if (this.#options.signal.aborted) return DONE
      const { root, workers } = this.#options.open
      const again = await look({ root, workers, ...QUIETLY }, this.#found.path)
      if (again?.kind !== 'file') return { failed: 'it went away while it was read' }
      this.#found = again
      this.#lookedAt = Date.now()
      this.#moved = null
      this.jobs = this.#jobs()
      this.results = null
      if (again.size === 0) {
        batch.put(this.#record(null), this.#previous)
        return DONE
      }
    }
    return { failed: 'it keeps changing while it is read' }
  }

  /** Hashes all of the file before anything of it is shared: so a duplicate costs no blocks. */
  async #commitWhole(onbytes: (bytes: number) => void): Promise<Outcome | 'changed'> {
    const { batch } = this.#options
    const hashes: Uint8Array[] = []
    let done = 0
    for await (const result of this.#hash(0)) {
      if ('error' in result) return { failed: reasonOf(toError(result)) }
      if (!sameFingerprint(result, this.#found)) return 'changed'
      hashes.push(result.hashes)
      done += (result.hashes.length / 32) * BLOCK_SIZE
      onbytes(Math.min(done, this.#found.size))
    }
    if (this.#options.signal.aborted) return DONE
    const { blocks, contentHash } = combine(hashes, this.#found.size)
    const twin = await batch.findContent(contentHash)
    const range = twin?.byteLength === this.#found.size ? twin : batch.nextRange(this.#found.size)
    if (range !== twin) batch.addBlocks(blocks)
    batch.put(this.#record(range), this.#previous, range === twin ? null : contentHash)
    return DONE
  }

  /**
   * Shares the entry of a large file first, and its blocks as they are hashed: peers download meanwhile. The blocks are
   * promised to the entry, so nothing else is appended until the last of them is.
   */
  async #commitLarge(onbytes: (bytes: number) => void, flush: () => Promise<void>): Promise<Outcome | 'changed'> {
    const { batch, open, signal } = this.#options
    const resumed = this.#resumable()
    let record = resumed
    if (!record) {
      await flush()
      record = { ...this.#record(batch.nextRange(this.#found.size)), state: 'indexing' }
      // Known before the entry is: whoever finds the entry after a crash must not give its blocks to another file.
      const promise = open.index.batch()
      promise.put(record, this.#previous)
      promise.putMeta(PENDING, record.path)
      await promise.flush()
      batch.put(record, this.#previous)
      await flush()
    } else if (!(await this.#isListed(record))) {
      batch.put(record, null)
      await flush()
    }
    this.#previous = record
    const range = record.range as BlockRange
    const first = batch.length - range.blockOffset
    const hashes: Uint8Array[] = []
    let done = first * BLOCK_SIZE
    for await (const result of this.#hash(first)) {
      if ('error' in result || !sameFingerprint(result, this.#found)) {
        return 'error' in result ? { failed: reasonOf(toError(result)) } : 'changed'
      }
      hashes.push(result.hashes)
      await batch.append(combine([result.hashes], Math.min(this.#found.size - done, TASK_BYTES)).blocks, done === 0)
      done = Math.min(this.#found.size, done + TASK_BYTES)
      onbytes(done)
    }
    // Cut off: the next run goes on where this one stopped.
    if (signal.aborted || done < this.#found.size) return DONE
    const final = open.index.batch()
    final.put({ ...record, state: 'done', racy: isRacy(this.#found, this.#lookedAt) }, record)
    if (!resumed) final.putContent(combine(hashes, this.#found.size).contentHash, range)
    final.putMeta(PENDING, null)
    await final.flush()
    return DONE
  }

  /** Whether the share has the entry of a record. */
  async #isListed({ path: name, range }: FileRecord): Promise<boolean> {
    const entry = await this.#options.open.drive.db.get<EntryValue>(`/${name}`, fileKeys)
    return sameRange(entry?.value.blob ?? null, range)
  }

  /** The record to go on with after an interruption: its blocks are the last ones of the share. */
  #resumable(): FileRecord | null {
    const record = this.#previous
    if (record?.state !== 'indexing' || !record.range || !sameFingerprint(record, this.#found)) return null
    const done = this.#options.batch.length - record.range.blockOffset
    // With all of them there only the end is missing.
    return done >= 0 && done <= record.range.blockLength ? record : null
  }

  /** The results of the jobs in order, several under way at once. @param first block to begin with */
  async *#hash(first: number): AsyncGenerator<HashResult> {
    const { signal } = this.#options
    const { workers } = this.#options.open
    const pending = (this.results ?? []).map((results) => results)
    let start = first * BLOCK_SIZE
    while (!signal.aborted) {
      while (!this.results && start < this.#found.size && pending.length < workers.concurrency) {
        const results = workers.hash([this.#job(start)])
        results.catch(() => {})
        pending.push(results)
        start += TASK_BYTES
      }
      const results = pending.shift()
      if (!results) return
      const result = (await results)[0]
      if (result) yield result
    }
  }

  async #findMoved(): Promise<FileRecord | null> {
    const { batch, open } = this.#options
    const record = (await open.index.findMoved(this.#found)) ?? batch.findGone(this.#found.inode)
    if (!record?.range || record.state !== 'done' || !sameFingerprint(record, this.#found) || record.racy) return null
    const content = await open.content()
    const { blockOffset, blockLength } = record.range
    return (await content.has(blockOffset, blockOffset + blockLength)) ? record : null
  }

  async #setPending(value: string | null): Promise<void> {
    const batch = this.#options.open.index.batch()
    batch.putMeta(PENDING, value)
    await batch.flush()
  }

  #jobs(): HashJob[] {
    const jobs: HashJob[] = []
    for (let start = 0; start < this.#found.size; start += TASK_BYTES) jobs.push(this.#job(start))
    return jobs
  }

  #job(start: number): HashJob {
    const file = { root: this.#options.open.root, path: this.#found.path }
    return { file, start, length: Math.min(TASK_BYTES, this.#found.size - start), blockSize: BLOCK_SIZE }
  }

  #record(range: BlockRange | null): FileRecord {
    const { path: name, kind, executable, target, size, mtime, inode } = this.#found
    const bytes = kind === 'file' ? size : 0
    const racy = kind === 'file' && isRacy(this.#found, this.#lookedAt)
    return { path: name, kind, state: 'done', executable, racy, target, size: bytes, mtime, inode, range }
  }
}

function isRacy(found: Found, lookedAt: number): boolean {
  return lookedAt - found.mtime < RACY_MS
}

function combine(parts: readonly Uint8Array[], size: number): Hashed {
  const hashes = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
  const blocks: HashedBlock[] = []
  for (let i = 0; i * 32 < hashes.length; i++) {
    const length = Math.min(BLOCK_SIZE, size - i * BLOCK_SIZE)
    blocks.push(new HashedBlock(length, Buffer.from(hashes.subarray(i * 32, i * 32 + 32))))
  }
  const first = blocks[0]
  return { blocks, contentHash: blocks.length === 1 && first ? first.leafHash : crypto.hash(hashes) }
}
