import type { EntryValue } from 'hyperdrive'
import { type Fingerprint, sameRange } from '../storage/file-record.js'
import type { BlockClaims } from './block-claims.js'
import { badBlocks } from './content-check.js'
import type { Destination } from './destination.js'
import type { DownloadContext, Wanted } from './download-context.js'
import type { Action } from './download-plan.js'
import type { Progress } from './download-progress.js'
import { doneRecord, partialRecord } from './download-records.js'
import { DownloadTask, type Target } from './download-task.js'
import { fileKeys, mtimeOf } from './entry.js'
import type { RecordWriter } from './record-writer.js'
import { Requests } from './requests.js'
import { ZeroBlocks } from './zero-blocks.js'

/** A file whose blocks have to come from peers. */
export interface Fetch {
  wanted: Wanted
  action: Action & { act: 'fetch' }
}

/** What downloads share with everything else that is done to the files of a clone. */
export interface DownloadParts {
  records: RecordWriter
  claims: BlockClaims
  progress: Progress
  handlers: { onfailed(path: string, error: unknown): void; onsettled(path: string): void }
  /** Does file operations as soon as there is room for them. */
  run(paths: readonly string[], work: () => Promise<void>): void
  /** Carries out an action that needs no blocks in a partial file. */
  settle(wanted: Wanted, action: Action): void
  /** There is news for whoever waits. */
  wake(): void
  /** Whether the share went on in another fork. */
  forked(): boolean
  /** What was planned does not hold any more. */
  replan(): void
}

/** Files that are being downloaded: one task for each range of blocks, however many files want it. */
export class FileDownloads {
  readonly #options: DownloadContext
  readonly #destination: Destination
  readonly #parts: DownloadParts
  readonly #requests: Requests
  readonly #zeros: ZeroBlocks
  /** By first block. */
  readonly #tasks = new Map<number, DownloadTask>()
  readonly #taskOf = new Map<string, DownloadTask>()
  /** Whole, and on their way to their places; by first block. */
  readonly #placing = new Map<number, DownloadTask>()

  constructor(options: DownloadContext, destination: Destination, parts: DownloadParts) {
    this.#options = options
    this.#destination = destination
    this.#parts = parts
    this.#requests = new Requests(options.content, options.replication)
    this.#zeros = new ZeroBlocks(options.content, options.replication)
  }

  /** Ranges under way. */
  get size(): number {
    return this.#tasks.size
  }

  close(): void {
    this.#requests.close()
    this.#zeros.close()
    // Still expected: a block that arrives now has to go into its file like those before it, or the next run would
    // take a hole in the file for it.
    for (const task of this.#tasks.values()) task.cancelled = true
  }

  /** The last is written: another download may have the same blocks. Comes after `close`. */
  letGo(): void {
    for (const task of this.#tasks.values()) this.#options.open.files.unexpect(task)
    this.#tasks.clear()
    this.#taskOf.clear()
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

  /** Stops to wait for a path whose blocks nobody can give now; what came of it is kept for the next time. */
  abandon(path: string): void {
    const task = this.#taskOf.get(path)
    if (!task) return
    this.#taskOf.delete(path)
    task.targets.splice(0, task.targets.length, ...task.targets.filter((target) => target.path !== path))
    if (task.targets.length > 0) return
    // A block of it may still arrive: it goes into its file like those before it, and nothing is made of that.
    task.cancelled = true
    this.#tasks.delete(task.range.blockOffset)
    this.#requests.done(task)
    this.#parts.wake()
  }

  /** The paths that wait for blocks. */
  get waiting(): string[] {
    return [...this.#taskOf.keys()]
  }

  /** Whether a peer who is here says that it has what a path waits for. */
  isOffered(path: string): boolean {
    const range = this.#taskOf.get(path)?.range
    if (!range) return true
    const { core } = this.#options.content
    for (let i = range.blockOffset; i < range.blockOffset + range.blockLength; i++) {
      if (core.bitfield.get(i)) continue
      if (!core.replicator.peers.some((peer) => peer.remoteBitfield.get(i))) return false
    }
    return true
  }

  /** Starts to download files, or joins them to a download of the same blocks that is under way. */
  async fetch(fetches: readonly Fetch[]): Promise<void> {
    if (fetches.length === 0) return
    const { files } = this.#options.open
    const started: DownloadTask[] = []
    for (const { wanted, action } of fetches) {
      const { path, value, record } = wanted
      const { range, blockSize, have } = action
      const target: Target = { path, value, ours: record }
      const placing = this.#placing.get(range.blockOffset)
      if (placing && sameRange(placing.range, range)) {
        this.#parts.records.put(partialRecord(path, value, range, record), record)
        placing.targets.push(target)
        continue
      }
      let other = files.overlapping(range) as DownloadTask | null
      if (other && !sameRange(other.range, range)) other = await this.#outdated(other)
      if (other && !sameRange(other.range, range)) {
        this.#parts.handlers.onfailed(path, new Error('its blocks overlap those of another file'))
        continue
      }
      if (record?.range && !sameRange(record.range, range)) await this.#parts.claims.releaseOf(record)
      this.#parts.records.put(partialRecord(path, value, range, record), record)
      if (other) {
        other.targets.push(target)
        this.#taskOf.set(path, other)
        // It was abandoned, and is wanted again: it has counted what arrived since.
        if (other.cancelled) {
          other.cancelled = false
          this.#tasks.set(range.blockOffset, other)
          started.push(other)
        }
        continue
      }
      const task = new DownloadTask({
        range,
        blockSize,
        target,
        missing: range.blockLength - have,
        onprogress: (bytes, made) => {
          if (bytes > made) this.#parts.progress.downloaded(bytes - made)
          if (made > 0) this.#parts.progress.local(made)
        },
        onzeros: (t, index) => void this.#zeros.fill(t, index).catch(ignore),
        oncomplete: (t) => this.#finish(t),
        onmisfit: (t) => void this.#misfit(t)
      })
      this.#parts.progress.resumed(this.#parts.claims.bytesHere(range, blockSize, have))
      files.expect(task)
      this.#tasks.set(range.blockOffset, task)
      this.#taskOf.set(path, task)
      started.push(task)
    }
    // Known to the index before the first block arrives, so that an interruption finds the partial file again.
    await this.#parts.records.flush()
    for (const task of started) {
      if (task.missing <= 0) this.#finish(task)
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
    this.#placing.set(task.range.blockOffset, task)
    this.#tasks.delete(task.range.blockOffset)
    for (const { path } of task.targets) this.#taskOf.delete(path)
    this.#requests.done(task)
    const paths = task.targets.map(({ path }) => path)
    this.#parts.run(paths, () => this.#place(task))
  }

  async #place(task: DownloadTask): Promise<void> {
    const { open, report, force } = this.#options
    const { partials } = open.files
    if (this.#parts.forked()) return
    if (this.#options.careful && !(await this.#isRight(task))) return this.#parts.replan()
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
          this.#parts.progress.local(task.range.byteLength)
        }
        first ??= path
        open.files.forget(path)
        this.#parts.records.put(
          doneRecord(path, value, print, task.range),
          partialRecord(path, value, task.range, ours)
        )
        this.#parts.progress.fileDone()
        this.#parts.handlers.onsettled(path)
        report({ type: 'file.done', path })
      } catch (error) {
        this.#parts.handlers.onfailed(path, error)
      }
    }
    if (this.#placing.get(task.range.blockOffset) === task) this.#placing.delete(task.range.blockOffset)
  }

  /** After a fork a block may have arrived when no file was ready for it: then it is fetched again. */
  async #isRight({ range }: DownloadTask): Promise<boolean> {
    const { open, content } = this.#options
    let right = true
    for await (const index of badBlocks(open, open.files.partials.file(range), range)) {
      await content.clear(index, index + 1)
      right = false
    }
    return right
  }

  async #misfit(task: DownloadTask): Promise<void> {
    const targets = [...task.targets]
    await this.#drop(task)
    for (const { path, value, ours } of targets) this.#parts.settle({ path, value, record: ours }, { act: 'assemble' })
  }

  async #drop(task: DownloadTask): Promise<void> {
    const { open } = this.#options
    task.cancelled = true
    open.files.unexpect(task)
    this.#tasks.delete(task.range.blockOffset)
    for (const { path } of task.targets) this.#taskOf.delete(path)
    this.#requests.done(task)
    await this.#parts.claims.clear(task.range)
    await open.files.partials.remove(task.range)
    this.#parts.wake()
  }
}

function ignore(): void {}
