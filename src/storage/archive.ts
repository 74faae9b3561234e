import fs from 'node:fs'
import path from 'node:path'
import type { Beneath } from './beneath.js'
import type { FileIndex } from './file-index.js'
import { type FileRecord, sameFingerprint } from './file-record.js'
import type { Seen } from './file-tasks.js'
import type { FileWorkers } from './file-workers.js'
import type { BlockRange } from './layout.js'

/** Contents in one folder, so that a folder does not get too many. */
const CONTENTS_IN_FOLDER = 4096
/** Copies that are made at the same time. */
const COPIES_AT_ONCE = 64
const TEMPORARY = 'new'

/**
 * Copies of contents that were shared, one file each, named by their first block: what is in the folder may be
 * overwritten, and the older version can still be served. Where the file system can, a copy takes no space until then.
 */
export class Archive {
  readonly #folder: string
  readonly #index: FileIndex
  readonly #workers: FileWorkers
  #serial = 0
  /** Whether there may be anything in it: without history nothing is to be slower. */
  #used: boolean

  private constructor(folder: string, index: FileIndex, workers: FileWorkers, used: boolean) {
    this.#folder = folder
    this.#index = index
    this.#workers = workers
    this.#used = used
  }

  /** @param folder where the copies are, or will be: absolute */
  static async open(folder: string, index: FileIndex, workers: FileWorkers): Promise<Archive> {
    for await (const _range of index.archived()) return new Archive(folder, index, workers, true)
    return new Archive(folder, index, workers, false)
  }

  /** The content with block `index`, and the file that has it. */
  async find(index: number): Promise<{ range: BlockRange; file: Beneath } | null> {
    const range = this.#used ? await this.#index.archivedAround(index) : null
    return range && { range, file: this.file(range) }
  }

  file({ blockOffset }: BlockRange): Beneath {
    return { root: this.#folder, path: `${Math.floor(blockOffset / CONTENTS_IN_FOLDER)}/${blockOffset}` }
  }

  /** Of some files, one for each content that is not kept yet. */
  async missing(records: readonly FileRecord[]): Promise<FileRecord[]> {
    const contents = new Map<number, FileRecord>()
    for (const record of records) {
      const { range, state, kind } = record
      if (range && state === 'done' && kind === 'file' && !contents.has(range.blockOffset))
        contents.set(range.blockOffset, record)
    }
    const kept = await this.#index.areArchived([...contents.keys()])
    return [...contents.values()].filter((_record, i) => !kept[i])
  }

  /**
   * Copies the contents of files, as far as that was not done yet. A file that is no longer as it was indexed is left
   * out: it is indexed again, and copied then.
   * @param root of the files
   * @throws what the file system says: it may be full
   */
  async keep(root: string, records: readonly FileRecord[]): Promise<void> {
    const wanted = await this.missing(records)
    for (let i = 0; i < wanted.length; i += COPIES_AT_ONCE) {
      const some = wanted.slice(i, i + COPIES_AT_ONCE)
      const copied = await Promise.all(some.map((record) => this.#copy(root, record)))
      const batch = this.#index.batch()
      some.forEach(({ range }, j) => {
        if (copied[j] && range) batch.putArchived(range)
      })
      this.#used = true
      await batch.flush()
    }
  }

  /** Forgets a content, and frees what its copy took. @returns bytes that the copy had */
  async remove(range: BlockRange): Promise<number> {
    const batch = this.#index.batch()
    batch.removeArchived(range)
    await batch.flush()
    await this.#workers.edit({ edit: 'remove', at: this.file(range), unless: null })
    return range.byteLength
  }

  async #copy(root: string, record: FileRecord): Promise<boolean> {
    const from = { root, path: record.path }
    const at = { root: this.#folder, path: `${TEMPORARY}-${++this.#serial}` }
    try {
      await this.#makeFolder(record.range as BlockRange)
      await this.#workers.edit({ edit: 'copy', at, from })
      // Looked at after the copy: had anything changed before or meanwhile, it shows.
      const now: Seen = await this.#workers.edit({ edit: 'look', at: from })
      if (now.kind === 'file' && sameFingerprint(now, record)) {
        await this.#workers.edit({ edit: 'move', at, to: this.file(record.range as BlockRange) })
        return true
      }
    } catch (error) {
      await this.#workers.edit({ edit: 'remove', at, unless: null }).catch(() => {})
      const now = await this.#workers.edit({ edit: 'look', at: from }).catch(() => null)
      // Where the file is as it was, the trouble is with the copy.
      if (now && sameFingerprint(now, record)) throw error
      return false
    }
    await this.#workers.edit({ edit: 'remove', at, unless: null })
    return false
  }

  async #makeFolder(range: BlockRange): Promise<void> {
    await fs.promises.mkdir(path.dirname(path.join(this.#folder, this.file(range).path)), {
      recursive: true,
      mode: 0o700
    })
  }
}

/** Whether copies of files in `source` that lie in `folder` take no space of their own. Both must exist. */
export async function copiesAreFree(source: string, folder: string): Promise<boolean> {
  const probe = path.join(folder, `.probe-${process.pid}`)
  const copy = `${probe}-copy`
  try {
    await fs.promises.writeFile(probe, Buffer.alloc(4096))
    await fs.promises.copyFile(probe, copy, fs.constants.COPYFILE_FICLONE_FORCE)
    return (await fs.promises.stat(source)).dev === (await fs.promises.stat(folder)).dev
  } catch {
    return false
  } finally {
    await fs.promises.rm(probe, { force: true })
    await fs.promises.rm(copy, { force: true })
  }
}
