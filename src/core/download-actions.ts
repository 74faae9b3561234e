import type { EntryValue } from 'hyperdrive'
import { type DatError, fileError } from '../base/errors.js'
import { type FileRecord, type Fingerprint, sameRange } from '../storage/file-record.js'
import { BlockClaims } from './block-claims.js'
import { type Destination, InTheWay } from './destination.js'
import type { DownloadContext, Wanted } from './download-context.js'
import { type Action, decide, type PlanContext } from './download-plan.js'
import { Progress } from './download-progress.js'
import { doneRecord, folderRecord, partialRecord } from './download-records.js'
import { DownloadTask, type Target } from './download-task.js'
import { fileKeys, mtimeOf } from './entry.js'
import { Limit } from './limit.js'
import { RecordWriter } from './record-writer.js'
import { Requests } from './requests.js'
import { Settling } from './settling.js'

/** Files under way at once: enough to keep a path full, few enough that memory does not grow with the share. */
const MAX_ACTIVE = 1024
/** File operations side by side, to hide the latency of a network file system. */
const CONCURRENCY = 32

export interface ActionHandlers {
  onfailed(path: string, error: unknown): void
  onsettled(path: string): void
}

/** Carries out what the plan says, many files at a time. */
export class DownloadActions {
  readonly progress: Progress
  readonly #options: DownloadContext
  readonly #context: PlanContext
  readonly #destination: Destination
  readonly #handlers: ActionHandlers
  readonly #records: RecordWriter
  readonly #requests: Requests
  readonly #claims: BlockClaims
  readonly #work: Settling
  readonly #limit = new Limit(CONCURRENCY)
  /** By first block. */
  readonly #tasks = new Map<number, DownloadTask>()
  readonly #taskOf = new Map<string, DownloadTask>()
  /** Whole, and on their way to their places; by first block. */
  readonly #placing = new Map<number, DownloadTask>()
  #settling = 0
  #error: DatError | null = null
  readonly #waiters = new Set<() => void>()

  constructor(options: DownloadContext, destination: Destination, handlers: ActionHandlers) {
    this.#options = options
    this.#destination = destination
    this.#handlers = handlers
    const { open, content, force } = options
    this.#context = { open, content, destination, force }
    this.progress = new Progress(options.report)
    this.#records = new RecordWriter(open.index, (error) => this.abort(fileError(error, 'write the index')))
    this.#requests = new Requests(content, options.replication)
    this.#claims = new BlockClaims(open, content, this.#records)
    this.#work = new Settling(options, destination, this.#claims, this.progress)
    open.files.onwritefailed = (error) => this.abort(fileError(error, 'write a file that is being downloaded'))
    options.signal.addEventListener('abort', () => this.wake(), { once: true })
  }

  /** Why it cannot go on; null while it can. */
  get error(): DatError | null {
    return this.#error
  }

  /** True if nothing is under way. */
  get idle(): boolean {
    return this.#tasks.size === 0 && this.#settling === 0
  }

  abort(error: DatError): void {
    this.#error ??= error
    this.wake()
  }

  /** Resolves when something ended, a file or everything by an error; or after so many milliseconds. */
  changed(limit?: number): Promise<void> {
    return new Promise((resolve) => {
      const waiter = (): void => {
        clearTimeout(timer)
        // Whoever waits for a long time waits often: none of it may be left behind.
        this.#waiters.delete(waiter)
        resolve()
      }
      const timer = limit === undefined ? undefined : setTimeout(waiter, limit)
      this.#waiters.add(waiter)
    })
  }

  /** There is news for whoever waits. */
  wake(): void {
    for (const waiter of [...this.#waiters]) waiter()
  }

  /** Resolves when the index has it all. */
  settled(): Promise<void> {
    return this.#records.flush()
  }

  /** Writes what is known to the index. */
  async close(): Promise<void> {
    this.#requests.close()
    this.#options.open.files.onwritefailed = null
    // Still expected: a block that arrives now has to go into its file like those before it, or the next run would
    // take a hole in the file for it.
    for (const task of this.#tasks.values()) task.cancelled = true
    await this.#limit.idle()
    await this.#records.flush()
  }

  async start(chunk: readonly Wanted[]): Promise<void> {
    const actions = await Promise.all(
      chunk.map((wanted) => {
        const { path, value, record } = wanted
        return this.#limit
          .run(() => decide(this.#context, path, value, record))
          .catch((error): Action => {
            this.#handlers.onfailed(path, error)
            return { act: 'refuse', reason: '' }
          })
      })
    )
    const fetches: { wanted: Wanted; action: Action & { act: 'fetch' } }[] = []
    chunk.forEach((wanted, i) => {
      const action = actions[i] as Action
      this.progress.plan(1, wanted.value.blob?.byteLength ?? 0)
      if (this.#options.dryRun) this.#announce(wanted, action)
      else if (action.act === 'fetch') fetches.push({ wanted, action })
      else this.#settle(wanted, action)
    })
    await this.#fetch(fetches)
    while ((this.#tasks.size > MAX_ACTIVE || this.#settling > MAX_ACTIVE) && !this.#stopped) await this.changed()
  }

  /** Resolves when all is done that needs no blocks: copies and moves among them. */
  async settlingDone(): Promise<void> {
    while (this.#settling > 0 && !this.#stopped) await this.changed()
    this.#work.done()
  }

  /** Stops what is under way for a path, unless it is for this very content. */
  async cancel(path: string, value: EntryValue | null): Promise<void> {
    const task = this.#taskOf.get(path)
    if (!task || (value?.blob && sameRange(task.range, value.blob))) return
    this.#taskOf.delete(path)
    const i = task.targets.findIndex((target) => target.path === path)
    if (i !== -1) task.targets.splice(i, 1)
    if (task.targets.length === 0) await this.#drop(task)
  }

  /** Removes a path that is no longer in the share, if it is as dat put it there. */
  async remove(record: FileRecord): Promise<void> {
    const { open, report, force, dryRun } = this.#options
    if (dryRun) return report({ type: 'file.planned', path: record.path, action: 'remove', bytes: record.size })
    try {
      const stats = await this.#destination.look(record.path)
      // What moved within the clone is gone from here already; the folder that it left empty is not. Where a new version
      // had not come yet, the record has the time and inode of the old one.
      const untouched = !stats || (stats.mtimeMs === record.mtime && stats.ino === record.inode)
      if (record.state === 'done' || untouched) {
        // An altered file is the user's own now: it stays, and dat forgets it.
        if (untouched || force) await this.#destination.remove(record.path)
        else report({ type: 'note', message: `${record.path} is gone from the share; your altered copy stays` })
      }
      await this.#records.remove(record)
      if (record.range) await this.#claims.release(record.range)
      if (record.range && record.state === 'partial') await open.files.partials.remove(record.range)
      open.files.forget(record.path)
      if (stats) report({ type: 'file.removed', path: record.path })
    } catch (error) {
      this.#handlers.onfailed(record.path, error)
    }
  }

  async folder(relative: string, known: boolean): Promise<void> {
    if (this.#options.dryRun) return
    try {
      await this.#destination.makeFolder(relative)
      if (!known) this.#records.put(folderRecord(`${relative}/`), null)
    } catch (error) {
      this.#handlers.onfailed(relative, error)
    }
  }

  async removeFolder(record: FileRecord): Promise<void> {
    if (this.#options.dryRun) return
    await this.#destination.removeFolder(record.path.replace(/\/$/, ''))
    await this.#records.remove(record)
  }

  get #stopped(): boolean {
    return this.#error !== null || this.#options.signal.aborted
  }

  #announce({ path, value }: Wanted, action: Action): void {
    if (action.act === 'nothing' || action.act === 'adopt') return
    this.#options.report({ type: 'file.planned', path, action: 'get', bytes: value.blob?.byteLength ?? 0 })
  }

  /** Everything that needs no new blocks. */
  #settle(wanted: Wanted, action: Action): void {
    const { path, value, record } = wanted
    const bytes = value.blob?.byteLength ?? 0
    this.#settling++
    void this.#limit
      .run(async () => {
        if (this.#stopped) return
        switch (action.act) {
          case 'nothing':
            this.progress.resumed(bytes)
            break
          case 'refuse':
            if (action.reason) this.#handlers.onfailed(path, new Error(action.reason))
            return
          case 'altered':
            throw new InTheWay(action.reason)
          default:
            this.#records.put(await this.#work.settle(wanted, action), record)
            if (action.act === 'adopt' || action.act === 'redress') this.progress.resumed(bytes)
            if (action.act === 'copy') this.progress.local(bytes)
            this.#options.report({ type: 'file.done', path })
        }
        this.progress.fileDone()
        this.#handlers.onsettled(path)
      })
      .catch((error) => this.#handlers.onfailed(path, error))
      .finally(() => {
        this.#settling--
        this.wake()
      })
  }

  async #fetch(fetches: readonly { wanted: Wanted; action: Action & { act: 'fetch' } }[]): Promise<void> {
    if (fetches.length === 0 || this.#stopped) return
    const { files } = this.#options.open
    const started: DownloadTask[] = []
    for (const { wanted, action } of fetches) {
      const { path, value, record } = wanted
      const { range, blockSize, have } = action
      const target: Target = { path, value, ours: record }
      const placing = this.#placing.get(range.blockOffset)
      if (placing && sameRange(placing.range, range)) {
        this.#records.put(partialRecord(path, value, range, record), record)
        placing.targets.push(target)
        continue
      }
      let other = files.overlapping(range) as DownloadTask | null
      if (other && !sameRange(other.range, range)) other = await this.#outdated(other)
      if (other && !sameRange(other.range, range)) {
        this.#handlers.onfailed(path, new Error('its blocks overlap those of another file'))
        continue
      }
      if (record?.range && !sameRange(record.range, range)) await this.#claims.releaseOf(record)
      this.#records.put(partialRecord(path, value, range, record), record)
      if (other) {
        other.targets.push(target)
        this.#taskOf.set(path, other)
        continue
      }
      const task = new DownloadTask({
        range,
        blockSize,
        target,
        missing: range.blockLength - have,
        onprogress: (bytes) => this.progress.downloaded(bytes),
        oncomplete: (t) => this.#finish(t),
        onmisfit: (t) => void this.#misfit(t)
      })
      this.progress.resumed(this.#claims.bytesHere(range, blockSize, have))
      files.expect(task)
      this.#tasks.set(range.blockOffset, task)
      this.#taskOf.set(path, task)
      started.push(task)
    }
    // Known to the index before the first block arrives, so that an interruption finds the partial file again.
    await this.#records.flush()
    for (const task of started) {
      if (task.missing === 0) this.#finish(task)
    }
    this.#requests.add(started)
  }

  /** A download that a newer version made pointless is dropped; returns it if it is still wanted. */
  async #outdated(task: DownloadTask): Promise<DownloadTask | null> {
    for (const { path } of [...task.targets]) {
      const entry = await this.#options.open.drive.db.get<EntryValue>(`/${path}`, fileKeys)
      await this.cancel(path, entry?.value ?? null)
    }
    return task.targets.length > 0 ? task : null
  }

  #finish(task: DownloadTask): void {
    this.#options.open.files.unexpect(task)
    this.#settling++
    this.#placing.set(task.range.blockOffset, task)
    this.#tasks.delete(task.range.blockOffset)
    for (const { path } of task.targets) this.#taskOf.delete(path)
    this.#requests.done(task)
    void this.#limit
      .run(() => this.#place(task))
      .finally(() => {
        this.#settling--
        this.wake()
      })
  }

  async #place(task: DownloadTask): Promise<void> {
    const { open, report, force } = this.#options
    const { partials } = open.files
    let first: string | null = null
    for (const { path, value, ours } of task.targets) {
      const look = { mtime: mtimeOf(value), executable: value.executable === true }
      try {
        let print: Fingerprint
        if (first === null) {
          await partials.release(task.range)
          print = await this.#destination.place(partials.file(task.range), path, look, ours, force)
        } else {
          const temporary = partials.temporary()
          print = await this.#destination.create(path, first, temporary, look, ours, force)
          this.progress.local(task.range.byteLength)
        }
        first ??= path
        open.files.forget(path)
        this.#records.put(doneRecord(path, value, print, task.range), partialRecord(path, value, task.range, ours))
        this.progress.fileDone()
        this.#handlers.onsettled(path)
        report({ type: 'file.done', path })
      } catch (error) {
        this.#handlers.onfailed(path, error)
      }
    }
    if (this.#placing.get(task.range.blockOffset) === task) this.#placing.delete(task.range.blockOffset)
  }

  async #misfit(task: DownloadTask): Promise<void> {
    const targets = [...task.targets]
    await this.#drop(task)
    for (const { path, value, ours } of targets) this.#settle({ path, value, record: ours }, { act: 'assemble' })
  }

  async #drop(task: DownloadTask): Promise<void> {
    const { open } = this.#options
    task.cancelled = true
    open.files.unexpect(task)
    this.#tasks.delete(task.range.blockOffset)
    for (const { path } of task.targets) this.#taskOf.delete(path)
    this.#requests.done(task)
    await this.#claims.clear(task.range)
    await open.files.partials.remove(task.range)
    this.wake()
  }
}
