import fs from 'node:fs'
import { type Beneath, openBeneath, pathOf } from './beneath.js'
import { isTaskError, toError } from './file-tasks.js'
import type { FileWorkers } from './file-workers.js'
import type { BlockRange } from './layout.js'
import { SparseFile } from './sparse-file.js'

const MAX_OPEN_FILES = 48
const TEMPORARY = 'new-'

interface OpenFile {
  file: Promise<SparseFile>
  writes: number
  /** Ends with the last write so far. Kernels write to one file one after the other anyway, and spin while they wait. */
  last: Promise<unknown>
}

/**
 * Files that are being downloaded, under names of their own in dat's folder, on the same file system as the
 * destination: nobody ever sees half a file under its real name. A range has one partial file, named by its first block
 * and its size, so that a download which goes on later finds it, and one of another shape never takes it for its own.
 */
export class PartialFiles {
  readonly folder: Beneath
  readonly #open = new Map<string, OpenFile>()
  readonly #writing = new Set<Promise<void>>()
  #made: Promise<unknown> | null = null
  #serial = 0

  readonly #workers: FileWorkers

  constructor(folder: Beneath, workers: FileWorkers) {
    this.folder = folder
    this.#workers = workers
  }

  /** A name for a file that is made in one go; after an interruption such files are worth nothing. */
  temporary(): Beneath {
    return this.#at(`${TEMPORARY}${++this.#serial}`)
  }

  /** Removes what an interruption left behind of such files. */
  async clean(): Promise<void> {
    const listed = await this.#workers.list({ folder: this.folder })
    if (isTaskError(listed)) return
    for (const name of listed.names) if (name.startsWith(TEMPORARY)) await this.#remove(this.#at(name))
  }

  /** Removes such a file that came to nothing. */
  async discard(temporary: Beneath): Promise<void> {
    await this.#remove(temporary)
  }

  file(range: BlockRange): Beneath {
    return this.#at(`${range.blockOffset}-${range.byteLength}`)
  }

  async makeFolder(): Promise<void> {
    this.#made ??= this.#workers.edit({ edit: 'make', at: this.folder, mode: 0o700 })
    await this.#made
  }

  /** Writes `data` at `position` bytes, zeros as holes. Creates the file and the folder where they are missing. */
  async write(range: BlockRange, data: Buffer, position: number): Promise<void> {
    const file = this.file(range)
    if (range.blockLength === 1) return this.#writeWhole(file, data)
    const entry = this.#enter(file)
    entry.writes++
    const writing = entry.last.then(async () => (await entry.file).write(data, position))
    entry.last = writing.catch(ignore)
    this.#writing.add(writing)
    try {
      await writing
    } finally {
      entry.writes--
      this.#writing.delete(writing)
    }
  }

  /** Closes the partial file, so that it can be moved to its place. All its writes must have ended. */
  async release(range: BlockRange): Promise<void> {
    const { path } = this.file(range)
    const entry = this.#open.get(path)
    if (!entry) return
    this.#open.delete(path)
    await (await entry.file).close()
  }

  async remove(range: BlockRange): Promise<void> {
    await this.release(range)
    await this.#remove(this.file(range))
  }

  async close(): Promise<void> {
    // A descriptor that is closed under a write may by then belong to another file.
    await Promise.allSettled(this.#writing)
    const all = [...this.#open.values()]
    this.#open.clear()
    await Promise.allSettled(all.map(async ({ file }) => (await file).close()))
    // Gone when nothing is left in it; what is left is needed to resume.
    if (fs.existsSync(pathOf(this.folder))) await this.#workers.edit({ edit: 'prune', at: this.folder }).catch(ignore)
  }

  #at(name: string): Beneath {
    return { root: this.folder.root, path: `${this.folder.path}/${name}` }
  }

  async #remove(at: Beneath): Promise<void> {
    await this.#workers.edit({ edit: 'remove', at, unless: null })
  }

  #enter(file: Beneath): OpenFile {
    const { path } = file
    const known = this.#open.get(path)
    if (known) {
      this.#open.delete(path)
      this.#open.set(path, known)
      return known
    }
    this.#trim()
    const entry: OpenFile = { file: this.#openFile(file), writes: 0, last: Promise.resolve() }
    entry.file.catch(() => this.#open.delete(path))
    this.#open.set(path, entry)
    return entry
  }

  async #writeWhole(file: Beneath, data: Buffer): Promise<void> {
    await this.makeFolder()
    const result = await this.#workers.write({ file, data })
    if (isTaskError(result)) throw toError(result)
  }

  async #openFile(file: Beneath): Promise<SparseFile> {
    await this.makeFolder()
    const { O_RDWR, O_CREAT } = fs.constants
    return SparseFile.of(await openBeneath(file, O_RDWR | O_CREAT, 0o666))
  }

  #trim(): void {
    for (const [path, entry] of this.#open) {
      if (this.#open.size < MAX_OPEN_FILES) return
      if (entry.writes > 0) continue
      this.#open.delete(path)
      void entry.file.then((open) => open.close()).catch(ignore)
    }
  }
}

function ignore(): void {}
