import fs from 'node:fs'
import { promisify } from 'node:util'
import { reasonOf, systemCode } from '../base/errors.js'
import { type Beneath, openBeneath } from './beneath.js'
import { type FileRecord, type Fingerprint, fingerprintOf, sameFingerprint, sameSizeAndTime } from './file-record.js'
import { isTaskError, toError } from './file-tasks.js'
import type { FileWorkers } from './file-workers.js'
import { blockSpan } from './layout.js'
import { readUpTo } from './read-fully.js'

const close = promisify(fs.close)
const fstat = promisify(fs.fstat)

const MAX_OPEN_FILES = 32
export const WRITTEN_TO = 'it was written to'
/** A file of one block is read whole by a worker; longer ones stay open while blocks of them are asked for. */
const READ_FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0)

/**
 * What a read found: the bytes, and whether all that the index knows of the file is as it was; or that the file is no
 * longer what the index says.
 */
export type ReadResult = { data: Buffer; untouched: boolean } | Changed
/** `failing`: it is there, but cannot be read. */
type Changed = { changed: string; failing?: boolean }

/** Reads blocks from files, and notices when a file is not the one that was indexed. */
export class FileReader {
  /** Open files by path, the least recently used first. */
  readonly #open = new Map<string, Promise<number>>()
  readonly #workers: FileWorkers
  #closed = false

  constructor(workers: FileWorkers) {
    this.#workers = workers
  }

  /**
   * Reads block `index` of the file that `record` describes.
   * @param file where the file is
   * @param check whether the fingerprint must match (it has no meaning for a partial download)
   */
  async read(file: Beneath, record: FileRecord, blockSize: number, index: number, check: boolean): Promise<ReadResult> {
    const range = record.range
    if (!range) return { changed: 'it has no content' }
    const { start, length } = blockSpan(range, blockSize, index)
    if (range.blockLength === 1) return this.#readSmall(file, record, check)
    let fd: number
    try {
      // A partial file is moved, removed and begun anew under its name: one that was kept open would be the old one.
      fd = await (check ? this.#kept(file) : openBeneath(file, READ_FLAGS))
    } catch (error) {
      return whyNot(error)
    }
    try {
      const data = Buffer.allocUnsafeSlow(length)
      const bytes = await readUpTo(fd, data, start)
      // After the read: whatever happened before or during it has left its mark.
      const print = check ? fingerprintOf(await fstat(fd)) : record
      if (!sameSizeAndTime(print, record)) {
        this.forget(file)
        return { changed: WRITTEN_TO }
      }
      if (bytes < length) return { changed: 'it is shorter than it was' }
      return found(data, print, record)
    } catch (error) {
      this.forget(file)
      return whyNot(error)
    } finally {
      if (!check) fs.close(fd, ignore)
    }
  }

  async #readSmall(file: Beneath, record: FileRecord, check: boolean): Promise<ReadResult> {
    const result = await this.#workers.read({ file, length: record.size })
    if (isTaskError(result)) return whyNot(toError(result))
    if (check && !sameSizeAndTime(result, record)) return { changed: WRITTEN_TO }
    const { buffer, byteOffset, byteLength } = result.data
    return found(Buffer.from(buffer, byteOffset, byteLength), check ? result : record, record)
  }

  /** Closes a file that was renamed, replaced or removed. */
  forget({ path }: Pick<Beneath, 'path'>): void {
    const fd = this.#open.get(path)
    this.#open.delete(path)
    // Reads under way still use it: they are short, and a closed descriptor would show as another file's bytes.
    if (fd) setTimeout(() => void fd.then((n) => close(n)).catch(ignore), 2000).unref()
  }

  async close(): Promise<void> {
    this.#closed = true
    const all = [...this.#open.values()]
    this.#open.clear()
    await Promise.allSettled(all.map(async (fd) => close(await fd)))
  }

  #kept(file: Beneath): Promise<number> {
    const { path } = file
    const known = this.#open.get(path)
    if (known) {
      this.#open.delete(path)
      this.#open.set(path, known)
      return known
    }
    if (this.#closed) return Promise.reject(new Error('closed'))
    const opening = openBeneath(file, READ_FLAGS)
    this.#open.set(path, opening)
    opening.catch(() => this.#open.delete(path))
    const oldest = this.#open.keys().next().value
    if (this.#open.size > MAX_OPEN_FILES && oldest !== undefined) this.forget({ path: oldest })
    return opening
  }
}

function found(data: Buffer, print: Fingerprint, record: FileRecord): ReadResult {
  return { data, untouched: sameFingerprint(print, record) && !record.racy }
}

function whyNot(error: unknown): Changed {
  const code = systemCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return { changed: 'it is gone' }
  if (code === 'ESHORT') return { changed: 'it is shorter than it was' }
  if (code === 'ELINK') return { changed: 'a link is in the place of a folder above it' }
  if (code === 'ELOOP') return { changed: 'a link is in its place' }
  return { changed: `it can no longer be read: ${reasonOf(error)}`, failing: true }
}

function ignore(): void {}
