import type { DatEvent, ImportCounters } from '../base/events.js'
import { type FileRecord, sameFingerprint } from '../storage/file-record.js'
import type { HashJob } from '../storage/file-tasks.js'
import { type Compared, compareWithIndex } from './compare.js'
import { MAX_UNREADABLE, readUnreadable } from './entry.js'
import { FileImport, PENDING, TASK_BYTES } from './file-import.js'
import type { ImportContext } from './import-context.js'
import { type Found, look, QUIETLY } from './walk.js'

/** What one thread hashes at a time: up to TASK_BYTES of many small files, or of one large one. */
const TASK_FILES = 64
/** A batch becomes visible to peers at the latest after this many changes, bytes or milliseconds. */
const BATCH_CHANGES = 512
const BATCH_BYTES = 64 * 1024 * 1024
const BATCH_MS = 250
const PROGRESS_MS = 200

export interface ImportResult {
  added: number
  changed: number
  removed: number
  skipped: number
  /** Files that could not be read. */
  failed: { path: string; reason: string }[]
}

/** A file that is new or changed, on its way through the hasher. */
interface Work {
  found: Found
  previous: FileRecord | null
  file: FileImport
}

/** Brings a share up to date with its folder: what did not change is not read. */
export class Import {
  readonly #options: ImportContext
  readonly #result: ImportResult = { added: 0, changed: 0, removed: 0, skipped: 0, failed: [] }
  /** Folders and files that could not be read: what the index knows of them stays. */
  readonly #kept: string[] = []
  readonly #counters: ImportCounters = { filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0 }
  /** What peers were told of as unreadable, by path, and what of it was met unchanged. */
  #told = new Map<string, string>()
  readonly #stillUnreadable = new Set<string>()
  #group: Work[] = []
  #groupBytes = 0
  /** In the order in which they will be committed. */
  #underWay: Work[] = []
  #tasks = 0
  #lastFlush = Date.now()
  #lastReport = 0

  constructor(options: ImportContext) {
    this.#options = options
  }

  /** @param folders what to look at: [''] for everything, or folders with a trailing slash */
  async run(folders: readonly string[]): Promise<ImportResult> {
    this.#told = await readUnreadable(this.#options.open.drive.db)
    await this.#resume()
    for (const folder of folders) {
      for await (const change of this.#changes(folder)) {
        if (this.#options.signal.aborted) break
        await this.#take(change.found, change.record)
      }
    }
    this.#submit()
    await this.#drain(0)
    if (!this.#options.signal.aborted) await this.#mark(folders)
    return this.#result
  }

  /** A large file whose indexing was cut off has promised the next blocks to its entry: it comes before all others. */
  async #resume(): Promise<void> {
    const { open, batch } = this.#options
    const pending = await open.index.getMeta<string>(PENDING)
    const record = pending ? await open.index.get(pending) : null
    if (record?.state !== 'indexing') return
    const found = await look({ root: open.root, workers: open.workers, ...QUIETLY }, record.path)
    if (found && isUnchanged(found, record)) {
      await new FileImport(this.#options, found, record).commit(() => {}, this.#flushNow)
    } else {
      batch.remove(record)
    }
    await this.#flush(false)
  }

  /** Writes out what is left. */
  async finish(): Promise<void> {
    await this.#flush(true)
    this.#progress(true)
  }

  get counters(): Readonly<ImportCounters> {
    return this.#counters
  }

  async *#changes(folder: string): AsyncGenerator<Compared> {
    const { open, rules, report, only, onfolder } = this.#options
    const options = {
      root: open.root,
      folder,
      rules,
      workers: open.workers,
      ...(onfolder ? { onfolder } : {}),
      onskip: (skipped: string, reason: string) => {
        this.#result.skipped++
        report({ type: 'file.skipped', path: skipped, reason })
      },
      onfail: (failed: string, reason: string) => this.#fail(failed, reason)
    }
    yield* compareWithIndex(options, open.index, only)
  }

  async #take(found: Found | null, record: FileRecord | null): Promise<void> {
    const { batch } = this.#options
    if (!found) {
      if (!record || this.#isKept(record.path)) return
      batch.remove(record)
      this.#result.removed++
      await this.#maybeFlush()
      return
    }
    if (found.kind !== 'folder') {
      this.#counters.filesTotal++
      this.#counters.bytesTotal += found.kind === 'file' ? found.size : 0
    }
    const suspect = this.#options.suspects.delete(found.path)
    if (record && !suspect && isSame(found, record)) {
      // What could not be read, and did not change since, is the same trouble.
      if (this.#told.has(found.path)) this.#stillUnreadable.add(found.path)
      this.#counters.filesDone += found.kind === 'folder' ? 0 : 1
      this.#counters.bytesDone += found.kind === 'file' ? found.size : 0
      this.#progress(false)
      return
    }
    const work = { found, previous: record, file: new FileImport(this.#options, found, record, suspect) }
    this.#group.push(work)
    this.#groupBytes += await work.file.bytesToHash()
    if (this.#groupBytes >= TASK_BYTES || this.#group.length >= TASK_FILES) this.#submit()
    await this.#drain(this.#options.open.workers.concurrency)
  }

  /** Gives the files that were collected to the hasher. */
  #submit(): void {
    const group = this.#group
    this.#group = []
    this.#groupBytes = 0
    if (group.length === 0) return
    const small = group.filter(({ file }) => file.jobs.length === 1)
    if (small.length > 0) {
      const results = this.#options.open.workers.hash(small.map(({ file }) => file.jobs[0] as HashJob))
      results.catch(() => {})
      small.forEach(({ file }, i) => {
        file.results = [results.then((all) => all.slice(i, i + 1))]
        for (const result of file.results) result.catch(() => {})
      })
    }
    this.#tasks++
    const last = group.at(-1) as Work
    last.file.lastOfTask = true
    this.#underWay.push(...group)
  }

  /** Commits files in order until at most `tasks` are left under way. */
  async #drain(tasks: number): Promise<void> {
    while (this.#underWay.length > 0 && (this.#tasks > tasks || tasks === 0)) {
      const work = this.#underWay.shift() as Work
      if (work.file.lastOfTask) this.#tasks--
      await this.#commit(work)
      await this.#maybeFlush()
    }
  }

  async #commit({ found, previous, file }: Work): Promise<void> {
    if (this.#options.signal.aborted) return
    const before = this.#counters.bytesDone
    const outcome = await file.commit((bytes) => {
      this.#counters.bytesDone = before + bytes
      this.#progress(false)
    }, this.#flushNow)
    if (outcome.failed) {
      this.#fail(found.path, outcome.failed)
      this.#counters.bytesDone = before
      this.#counters.bytesTotal -= found.size
      this.#counters.filesTotal--
      return
    }
    if (!previous) this.#result.added++
    else if (!outcome.refreshed) this.#result.changed++
    if (found.kind !== 'folder') this.#counters.filesDone++
    if (found.kind === 'file') this.#counters.bytesDone = before + found.size
    this.#progress(false)
  }

  #isKept(path: string): boolean {
    return this.#kept.some((kept) => kept === path || kept === '' || (kept.endsWith('/') && path.startsWith(kept)))
  }

  #fail(failed: string, reason: string): void {
    this.#kept.push(failed)
    this.#result.skipped++
    this.#result.failed.push({ path: failed, reason })
    this.#options.report({ type: 'file.failed', path: failed, reason })
  }

  /** Brings what peers are told of as unreadable up to date, as far as it was looked at. */
  async #mark(folders: readonly string[]): Promise<void> {
    const { batch } = this.#options
    const told = this.#told
    const failed = new Map(this.#result.failed.map(({ path, reason }) => [path, reason]))
    for (const path of told.keys()) {
      if (failed.has(path) || this.#stillUnreadable.has(path)) continue
      if (folders.some((folder) => path.startsWith(folder))) batch.mark(path, null)
    }
    for (const [path, reason] of failed) {
      if (told.get(path) === reason || !(await this.#isShared(path))) continue
      if (told.size >= MAX_UNREADABLE) return
      told.set(path, reason)
      batch.mark(path, reason)
    }
  }

  async #isShared(path: string): Promise<boolean> {
    if (!path.endsWith('/') && path !== '') return (await this.#options.open.index.get(path)) !== null
    for await (const _record of this.#options.open.index.records(path)) return true
    return false
  }

  readonly #flushNow = (): Promise<void> => this.#flush(false)

  async #maybeFlush(): Promise<void> {
    const { batch } = this.#options
    const due = batch.changes >= BATCH_CHANGES || batch.bytes >= BATCH_BYTES || Date.now() - this.#lastFlush > BATCH_MS
    if (due) await this.#flush(false)
  }

  async #flush(last: boolean): Promise<void> {
    const { batch, root } = this.#options
    if (batch.changes > 0 || last) {
      await root.check()
      await batch.flush(last)
    }
    this.#lastFlush = Date.now()
  }

  #progress(force: boolean): void {
    const now = Date.now()
    if (!force && now - this.#lastReport < PROGRESS_MS) return
    this.#lastReport = now
    const event: DatEvent = { type: 'import.progress', ...this.#counters }
    this.#options.report(event)
  }
}

function isSame(found: Found, record: FileRecord): boolean {
  if (found.kind !== record.kind || record.state !== 'done') return false
  if (found.kind === 'folder') return true
  if (found.kind === 'link') return found.target === record.target
  return !record.racy && isUnchanged(found, record)
}

function isUnchanged(found: Found, record: FileRecord): boolean {
  return found.kind === 'file' && sameFingerprint(found, record) && found.executable === record.executable
}
