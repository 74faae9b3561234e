import type Hypercore from 'hypercore'
import type { FileRecord } from '../storage/file-record.js'
import type { OpenDrive } from './drive.js'

/** Files that are gone, about 300 bytes each, whose blocks are kept for what may still be found under another name. */
const MAX_GONE = 16 * 1024

/** Records that were replaced or removed, by inode: their blocks are served until all of the folder was looked at. */
export class GoneFiles {
  readonly #open: Pick<OpenDrive, 'index' | 'files'>
  readonly #content: Hypercore
  readonly #records = new Map<number, FileRecord>()

  constructor(open: Pick<OpenDrive, 'index' | 'files'>, content: Hypercore) {
    this.#open = open
    this.#content = content
  }

  find(inode: number): FileRecord | null {
    return this.#records.get(inode) ?? null
  }

  /**
   * Takes more of them, and withdraws the blocks of those that need not be kept any longer.
   * @param complete all of the folder was looked at: no other file has them
   */
  async add(records: readonly FileRecord[], complete: boolean): Promise<void> {
    for (const record of records) {
      if (!record.range) continue
      this.#open.files.forget(record.path)
      this.#records.delete(record.inode)
      this.#records.set(record.inode, record)
    }
    for (const [inode, record] of this.#records) {
      if (!complete && this.#records.size <= MAX_GONE) return
      this.#records.delete(inode)
      await this.#withdraw(record)
    }
  }

  /** Tells peers that blocks which no file holds any more are gone. */
  async #withdraw({ range }: FileRecord): Promise<void> {
    if (!range) return
    const end = range.blockOffset + (await this.#open.index.countUnowned(range))
    if (end > range.blockOffset) await this.#content.clear(range.blockOffset, Math.min(end, this.#content.length))
  }
}
