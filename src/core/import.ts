import type { DatEvent, ImportCounters } from '../base/events.js'
import type { FileRecord } from '../storage/file-record.js'
import type { HashJob } from '../storage/file-tasks.js'
import { type Compared, compareWithIndex, isSame, isUnchanged } from './compare.js'
import { TASK_BYTES, TASK_FILES } from './file-hashing.js'
import { FileImport, PENDING } from './file-import.js'
import type { ImportContext } from './import-context.js'
import { counted, NOTHING } from './totals.js'
import { UnreadableMarks } from './unreadable-marks.js'
import { type Found, look, QUIETLY } from './walk.js'

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
  #unreadable: UnreadableMarks | null = null
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
    const { batch, open, signal } = this.#options
    this.#unreadable = await UnreadableMarks.read(open)
    await this.#resume()
    const before = batch.totals
    let held = NOTHING
    for (const folder of folders) {
      for await (const change of this.#changes(folder)) {
        if (signal.aborted) break
        held = counted(held, change.record, 1)
        await this.#take(change.found, change.record)
      }
    }
    this.#submit()
    await this.#drain(0)
    if (signal.aborted) return this.#result
    await this.#unreadable.settle(batch, folders, this.#result.failed)
    if (folders[0] === '') batch.correct(before, held)
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

  /** Of what was looked at. */
  get counters(): Readonly<ImportCounters> {
    return this.#counters
  }

  /** Of the whole share, of which perhaps one folder was looked at. */
  get shared(): ImportCounters {
    const { files, bytes } = this.#options.batch.totals
    return { filesDone: files, filesTotal: files, bytesDone: bytes, bytesTotal: bytes }
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
      this.#unreadable?.unchanged(found.path)
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
