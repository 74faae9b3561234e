import fs from 'node:fs'
import { promisify } from 'node:util'
import { type Beneath, openBeneath } from './beneath.js'
import { type FileRecord, fingerprintOf, sameFingerprint } from './file-record.js'
import { readUpTo } from './read-fully.js'

const close = promisify(fs.close)
const fstat = promisify(fs.fstat)
const READ_FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0)

/**
 * A file that is exactly as it was when its blocks were hashed, as far as the system can tell: size, mtime and ctime (or
 * inode) are the same, and it was not written to so shortly before that these could not tell. Its bytes need no hashing
 * then: docs/adr/0016-gateway-reads.md.
 */
export class UnchangedFile {
  readonly #fd: number
  readonly #record: FileRecord

  private constructor(fd: number, record: FileRecord) {
    this.#fd = fd
    this.#record = record
  }

  /** @returns null if the file is another, cannot be read, or its times cannot tell */
  static async open(file: Beneath, record: FileRecord): Promise<UnchangedFile | null> {
    if (record.kind !== 'file' || record.state !== 'done' || record.racy) return null
    const fd = await openBeneath(file, READ_FLAGS).catch(() => null)
    if (fd === null) return null
    const opened = new UnchangedFile(fd, record)
    if (await opened.#isUnchanged()) return opened
    await opened.close()
    return null
  }

  /** @returns the bytes; null if the file was written to, or is shorter: then these are not what was shared */
  async read(start: number, length: number): Promise<Buffer | null> {
    const data = Buffer.allocUnsafeSlow(length)
    const bytes = await readUpTo(this.#fd, data, start).catch(() => -1)
    // After the read: whatever happened before or during it has left its mark.
    return bytes === length && (await this.#isUnchanged()) ? data : null
  }

  async close(): Promise<void> {
    await close(this.#fd).catch(() => {})
  }

  async #isUnchanged(): Promise<boolean> {
    const stats = await fstat(this.#fd).catch(() => null)
    return stats?.isFile() === true && sameFingerprint(fingerprintOf(stats), this.#record)
  }
}
