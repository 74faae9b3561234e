import type { EntryValue } from 'hyperdrive'
import { type DatError, fileError } from '../base/errors.js'
import { Limit } from '../base/limit.js'
import type { FileRecord } from '../storage/file-record.js'
import { BlockClaims } from './block-claims.js'
import { type Destination, InTheWay } from './destination.js'
import type { DownloadContext, Wanted } from './download-context.js'
import { type Action, decide, type PlanContext } from './download-plan.js'
import { Progress } from './download-progress.js'
import { folderRecord } from './download-records.js'
import { type Fetch, FileDownloads } from './file-downloads.js'
import { recognise } from './recognise.js'
import { RecordWriter } from './record-writer.js'
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
  readonly #claims: BlockClaims
  readonly #work: Settling
  readonly #downloads: FileDownloads
  readonly #limit = new Limit(CONCURRENCY)
  #settling = 0
  /** File operations under way, by path. */
  readonly #busy = new Map<string, Promise<void>>()
  #error: DatError | null = null
  #forked = false
  readonly #waiters = new Set<() => void>()

  constructor(options: DownloadContext, destination: Destination, handlers: ActionHandlers) {
    this.#options = options
    this.#destination = destination
    this.#handlers = handlers
    const { open, content, report, force } = options
    this.#context = { open, content, destination, report, force }
    this.progress = new Progress(options.report)
    this.#records = new RecordWriter(open.index, (error) => this.abort(fileError(error, 'write the index')))
    this.#claims = new BlockClaims(open, content, this.#records)
    this.#work = new Settling(options, destination, this.#claims, this.progress)
    this.#downloads = new FileDownloads(options, destination, {
      records: this.#records,
      claims: this.#claims,
      progress: this.progress,
      handlers,
      run: (paths, work) => this.#run(paths, work),
      settle: (wanted, action) => this.#settle(wanted, action),
      wake: () => this.wake(),
      forked: () => this.#forked,
      replan: () => this.fork()
    })
    open.files.onwritefailed = (error) => this.abort(fileError(error, 'write a file that is being downloaded'))
    options.signal.addEventListener('abort', () => this.wake(), { once: true })
  }

  /** Why it cannot go on; null while it can. */
  get error(): DatError | null {
    return this.#error
  }

  /** True if nothing is under way. */
  get idle(): boolean {
    return this.#downloads.size === 0 && this.#settling === 0
  }

  /** The share goes on in another fork: what is under way is worth nothing. */
  get forked(): boolean {
    return this.#forked
  }

  fork(): void {
    this.#forked = true
    this.#downloads.close()
    this.wake()
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
    this.#options.open.files.onwritefailed = null
    this.#downloads.close()
    await this.#limit.idle()
    await this.#records.flush()
    if (this.#forked) this.#downloads.letGo()
  }

  async start(chunk: readonly Wanted[]): Promise<void> {
    const actions = await Promise.all(
      chunk.map((wanted) => {
        const { path, value } = wanted
        return this.#limit
          .run(async () => {
            wanted.record = await this.#recognised(wanted.record)
            return decide(this.#context, path, value, wanted.record)
          })
          .catch((error): Action => {
            this.#handlers.onfailed(path, error)
            return { act: 'refuse', reason: '' }
          })
      })
    )
    const fetches: Fetch[] = []
    chunk.forEach((wanted, i) => {
      const action = actions[i] as Action
      this.progress.plan(1, wanted.value.blob?.byteLength ?? 0)
      if (this.#options.dryRun) this.#announce(wanted, action)
      else if (action.act === 'fetch') fetches.push({ wanted, action })
      else this.#settle(wanted, action)
    })
    if (!this.#stopped) await this.#downloads.fetch(fetches)
    while ((this.#downloads.size > MAX_ACTIVE || this.#settling > MAX_ACTIVE) && !this.#stopped) await this.changed()
  }

  /** Resolves when all is done that needs no blocks: copies and moves among them. */
  async settlingDone(): Promise<void> {
    while (this.#settling > 0 && !this.#stopped) await this.changed()
    this.#work.done()
  }

  /** Stops what is under way for a path, unless it is for this very content; a file that is being put in place is. */
  async cancel(path: string, value: EntryValue | null): Promise<void> {
    await this.#downloads.cancel(path, value)
    await this.#busy.get(path)
  }

  /** The paths that wait for blocks. */
  get waiting(): string[] {
    return this.#downloads.waiting
  }

  isOffered(path: string): boolean {
    return this.#downloads.isOffered(path)
  }

  /** Stops to wait for a path: it failed for now, and what came of it is kept. */
  abandon(path: string, reason: string): void {
    this.#downloads.abandon(path)
    this.#handlers.onfailed(path, new Error(reason))
  }

  /** Removes a path that is no longer in the share, if it is as dat put it there. */
  async remove(known: FileRecord): Promise<void> {
    const { open, report, force, dryRun } = this.#options
    if (dryRun) return report({ type: 'file.planned', path: known.path, action: 'remove', bytes: known.size })
    let record = known
    try {
      record = (await this.#recognised(known)) ?? known
      const stats = await this.#destination.look(record.path)
      // What moved within the clone is gone from here already; the folder that it left empty is not. Where a new version
      // had not come yet, the record has the time and inode of the old one.
      const untouched = !stats || (stats.mtimeMs === record.mtime && stats.ino === record.inode)
      if (record.state === 'done' || untouched) {
        // An altered file is the user's own now: it stays, and dat forgets it.
        if (untouched || force) await this.#destination.remove(record.path, force ? null : record)
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

  /** The record of a finished file as the disk is now; kept, so that a file is not read again the next time. */
  async #recognised(record: FileRecord | null): Promise<FileRecord | null> {
    if (record?.state !== 'done') return record
    const now = await recognise(this.#context, record)
    if (now !== record && now.mtime === record.mtime && !this.#options.dryRun) this.#records.put(now, record)
    return now
  }

  get #stopped(): boolean {
    return this.#error !== null || this.#forked || this.#options.signal.aborted
  }

  #announce({ path, value }: Wanted, action: Action): void {
    if (action.act === 'nothing' || action.act === 'adopt') return
    this.#options.report({ type: 'file.planned', path, action: 'get', bytes: value.blob?.byteLength ?? 0 })
  }

  /** Everything that needs no new blocks. */
  #settle(wanted: Wanted, action: Action): void {
    const { path, value, record } = wanted
    const bytes = value.blob?.byteLength ?? 0
    const work = async (): Promise<void> => {
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
    }
    this.#run([path], () => work().catch((error) => this.#handlers.onfailed(path, error)))
  }

  /** Does file operations as soon as there is room for them; whoever waits for all of them waits for these too. */
  #run(paths: readonly string[], work: () => Promise<void>): void {
    this.#settling++
    const done: Promise<void> = this.#limit.run(work).finally(() => {
      this.#settling--
      for (const path of paths) if (this.#busy.get(path) === done) this.#busy.delete(path)
      this.wake()
    })
    for (const path of paths) this.#busy.set(path, done)
  }
}
