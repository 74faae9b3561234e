import type { EntryValue } from 'hyperdrive'
import { reasonOf } from '../base/errors.js'
import { LARGE_BYTES } from '../storage/file-index.js'
import { type FileRecord, sameFingerprint, sameRange, sameSizeAndTime } from '../storage/file-record.js'
import { type HashJob, type HashResult, toError } from '../storage/file-tasks.js'
import type { HashedBlock } from '../storage/hashed-block.js'
import { BLOCK_SIZE, type BlockRange } from '../storage/layout.js'
import { treeHash } from './drive.js'
import { fileKeys } from './entry.js'
import { blocksOf, hashFile, hashJobs, TASK_BYTES } from './file-hashing.js'
import type { ImportContext } from './import-context.js'
import { type Found, look, QUIETLY } from './walk.js'

/** Index meta: path of the large file whose blocks are being appended. */
export const PENDING = 'pending'

/** Times of files have this resolution at worst (FAT, ext3, NFS v2), in milliseconds. */
const RACY_MS = 2000
/** The clock of a file server may be ahead by this much, in milliseconds; a time beyond it is no fresh one. */
const SKEW_MS = 3_600_000
/** A file that changes while it is read is read again this often; then it is left to the watcher. */
const ATTEMPTS = 3

/**
 * Not shared as the new content by itself: a failing disk would replace the good copies of everybody who pulls. It can
 * be what is meant, though, where a program wrote to it through memory.
 */
export const DAMAGED = 'its bytes changed, but neither size nor times: `dat verify --repair` shares it as it is now'

type Outcome = {
  failed: string | null
  /** The content is what it was: nothing changed for peers. */
  refreshed?: true
}
const DONE: Outcome = { failed: null }

/** One new or changed path on its way into the share. */
export class FileImport {
  jobs: HashJob[]
  /** Of `jobs`, where they were handed to the hasher already. */
  results: Promise<HashResult[]>[] | null = null
  lastOfTask = false
  /** If its content is another now, nothing tells why. */
  readonly #unexplained: boolean
  readonly #options: ImportContext
  /** What the index has for this path. */
  #previous: FileRecord | null
  /** When `found` was found: milliseconds since 1970. */
  #lookedAt = Date.now()
  #found: Found
  #moved: FileRecord | null = null

  /** @param suspect whether a read found something wrong with it */
  constructor(options: ImportContext, found: Found, previous: FileRecord | null, suspect = false) {
    // A racy file that is another was written to, one whose attributes changed too.
    const still = previous?.state === 'done' && !previous.racy && sameFingerprint(previous, found)
    this.#unexplained = suspect && still
    this.#options = options
    this.#found = found
    this.#previous = previous
    this.jobs = found.kind === 'file' ? hashJobs(options.open.root, found) : []
  }

  /** Bytes that this file will take up in the hasher; 0 if it need not be read. */
  async bytesToHash(): Promise<number> {
    if (this.jobs.length === 0) return 0
    if (this.#unexplained) return Math.min(TASK_BYTES, this.#found.size)
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
    if (this.#found.kind !== 'file' || this.#found.size === 0) return this.#put(null)
    if (this.#moved) {
      // Looked at again: its old path may have been removed since, and its blocks with it.
      const moved = await this.#findMoved()
      if (moved?.range) return this.#put(moved.range)
      this.#moved = null
      this.jobs = hashJobs(this.#options.open.root, this.#found)
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
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const large = this.#found.size >= LARGE_BYTES && !(await this.#isProbablyKnown())
      const outcome = large ? await this.#commitLarge(onbytes, flush) : await this.#commitWhole(onbytes)
      if (outcome !== 'changed') return outcome
      if (this.#options.signal.aborted) return DONE
      const { root, workers } = this.#options.open
      const again = await look({ root, workers, ...QUIETLY }, this.#found.path)
      if (again?.kind !== 'file') return { failed: 'it went away while it was read' }
      this.#found = again
      this.#lookedAt = Date.now()
      this.#moved = null
      this.jobs = hashJobs(this.#options.open.root, this.#found)
      this.results = null
      if (again.size === 0) return this.#put(null)
    }
    return { failed: 'it keeps changing while it is read' }
  }

  /** Whether a large file may have content that the share has already: then it is hashed before it is shared. */
  async #isProbablyKnown(): Promise<boolean> {
    if (this.#previous?.state === 'done' && sameSizeAndTime(this.#previous, this.#found)) return true
    return this.#options.open.index.hasLargeSize(this.#found.size)
  }

  #put(range: BlockRange | null, contentHash: Buffer | null = null): Outcome {
    const { batch } = this.#options
    const record = this.#record(range)
    const previous = this.#previous
    if (!previous || !sameEntry(record, previous)) {
      batch.put(record, previous, contentHash)
      return DONE
    }
    batch.refresh(record, previous)
    return { failed: null, refreshed: true }
  }

  /** The blocks that the path had before, if its content is still the same. */
  async #unchangedRange(blocks: readonly HashedBlock[]): Promise<BlockRange | null> {
    const previous = this.#previous
    const range = previous?.range
    if (!range || previous.state !== 'done' || range.byteLength !== this.#found.size) return null
    for (const [i, block] of blocks.entries()) {
      const expected = await treeHash(this.#options.open.drive, range.blockOffset + i)
      if (!expected?.equals(block.leafHash)) return null
    }
    const content = await this.#options.open.content()
    return (await content.has(range.blockOffset, range.blockOffset + range.blockLength)) ? range : null
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
    const { blocks, contentHash } = blocksOf(hashes, this.#found.size)
    const unchanged = await this.#unchangedRange(blocks)
    if (unchanged) return this.#put(unchanged)
    if (this.#unexplained) return { failed: DAMAGED }
    const twin = await batch.findContent(contentHash)
    const range = twin?.byteLength === this.#found.size ? twin : batch.nextRange(this.#found.size)
    if (range !== twin) batch.addBlocks(blocks)
    return this.#put(range, range === twin ? null : contentHash)
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
      await batch.append(blocksOf([result.hashes], Math.min(this.#found.size - done, TASK_BYTES)).blocks, done === 0)
      done = Math.min(this.#found.size, done + TASK_BYTES)
      onbytes(done)
    }
    // Cut off: the next run goes on where this one stopped.
    if (signal.aborted || done < this.#found.size) return DONE
    await batch.keep([{ ...record, state: 'done' }])
    const final = open.index.batch()
    final.put({ ...record, state: 'done', racy: isRacy(this.#found, this.#lookedAt) }, record)
    if (!resumed) final.putContent(blocksOf(hashes, this.#found.size).contentHash, range)
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

  /** @param first block to begin with */
  #hash(first: number): AsyncGenerator<HashResult> {
    const { open, signal } = this.#options
    return hashFile(open, this.#found, { first, handed: this.results, signal })
  }

  async #findMoved(): Promise<FileRecord | null> {
    const { batch, open } = this.#options
    const record = (await open.index.findMoved(this.#found)) ?? batch.findGone(this.#found.inode)
    if (!record?.range || record.state !== 'done' || record.racy) return null
    // A move changes the ctime. What is read for a peer is compared with the tree anyway.
    const moved = record.path !== this.#found.path && record.inode === this.#found.inode
    const same = moved ? sameSizeAndTime(record, this.#found) : sameFingerprint(record, this.#found)
    if (!same) return null
    const content = await open.content()
    const { blockOffset, blockLength } = record.range
    return (await content.has(blockOffset, blockOffset + blockLength)) ? record : null
  }

  async #setPending(value: string | null): Promise<void> {
    const batch = this.#options.open.index.batch()
    batch.putMeta(PENDING, value)
    await batch.flush()
  }

  #record(range: BlockRange | null): FileRecord {
    const { path: name, kind, executable, target, size, mtime, inode, ctime, holes } = this.#found
    const bytes = kind === 'file' ? size : 0
    const racy = kind === 'file' && isRacy(this.#found, this.#lookedAt)
    const record = { path: name, kind, executable, racy, target, size: bytes, mtime, inode, ctime, range }
    return { ...record, state: 'done', ...(kind === 'file' && holes > 0 ? { holes } : {}) }
  }
}

function isRacy(found: Found, lookedAt: number): boolean {
  const age = lookedAt - found.mtime
  return age < RACY_MS && age > -SKEW_MS
}

/** Whether peers would see no difference between two states of a path. */
function sameEntry(a: FileRecord, b: FileRecord): boolean {
  const done = a.state === 'done' && b.state === 'done' && a.kind === b.kind && a.target === b.target
  return done && a.mtime === b.mtime && a.executable === b.executable && sameRange(a.range, b.range)
}
