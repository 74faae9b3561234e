import { Worker } from 'node:worker_threads'
import { Batcher } from './batcher.js'
import type { Fingerprint } from './file-record.js'
import {
  type EditJob,
  type EditResult,
  type HashJob,
  type HashResult,
  type InTheWay,
  isTaskError,
  type ListJob,
  type ListResult,
  type PlaceJob,
  type PlaceResult,
  type ReadJob,
  type ReadResult,
  type Seen,
  type Task,
  type TaskError,
  toError,
  type WriteJob,
  type WriteResult
} from './file-tasks.js'

interface Queued {
  task: Task
  transfer: ArrayBuffer[]
  resolve: (results: unknown) => void
  reject: (error: Error) => void
}

/** Small files that are handed to one worker together. */
const BATCH_FILES = 64
const BATCH_BYTES = 512 * 1024
const YOUNG_GENERATION_MB = 6

/**
 * Threads that hash files and handle small ones. BLAKE2b is what limits an import: one thread of libsodium does about
 * 690 MB/s, less than a disk; and a small file costs half a dozen operations, which in Node's own pool would each be
 * a change of threads. Threads start when they are needed.
 */
export class FileWorkers {
  readonly #size: number
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Queued>()
  readonly #queue: Queued[] = []
  readonly #reads = new Batcher<ReadJob, ReadResult>(BATCH_FILES, BATCH_BYTES, (jobs) =>
    this.#run({ kind: 'read', jobs })
  )
  readonly #writes = new Batcher<WriteJob, WriteResult>(BATCH_FILES, BATCH_BYTES, (jobs) => this.#write(jobs))
  readonly #places = new Batcher<PlaceJob, PlaceResult>(BATCH_FILES, BATCH_BYTES, (jobs) =>
    this.#run({ kind: 'place', jobs })
  )
  readonly #edits = new Batcher<EditJob, EditResult | TaskError>(BATCH_FILES, BATCH_BYTES, (jobs) =>
    this.#run({ kind: 'edit', jobs })
  )
  #started = 0
  #closed = false

  /** @param size the number of threads at most */
  constructor(size: number) {
    this.#size = Math.max(1, size)
  }

  /** How many hashing tasks it pays to have under way at once. */
  get concurrency(): number {
    return this.#size * 2
  }

  /** Hashes jobs one after the other in one thread. Failures of single files are in the results. */
  hash(jobs: HashJob[]): Promise<HashResult[]> {
    return this.#run({ kind: 'hash', jobs })
  }

  async list(job: ListJob): Promise<ListResult> {
    const [result] = await this.#run<ListResult>({ kind: 'list', jobs: [job] })
    return result as ListResult
  }

  read(job: ReadJob): Promise<ReadResult> {
    return this.#reads.add(job, job.length)
  }

  write(job: WriteJob): Promise<WriteResult> {
    return this.#writes.add(job, job.data.length)
  }

  place(job: PlaceJob): Promise<PlaceResult> {
    return this.#places.add(job, 0)
  }

  /**
   * Changes what a folder has.
   * @returns what is there now, or what is in the way
   * @throws the system's error, or ELINK or ENOTDIR as `Folders` does
   */
  edit(job: EditJob & { edit: 'look' }): Promise<Seen>
  edit(job: EditJob & { edit: 'link' }): Promise<Fingerprint | InTheWay>
  edit(job: EditJob & { edit: 'dress' }): Promise<Fingerprint>
  edit(job: EditJob & { edit: 'remove' }): Promise<InTheWay | Record<string, never>>
  edit(job: EditJob): Promise<EditResult>
  async edit(job: EditJob): Promise<EditResult> {
    const result = await this.#edits.add(job, 0)
    if (isTaskError(result)) throw toError(result)
    return result
  }

  async close(): Promise<void> {
    this.#closed = true
    const workers = [...this.#idle, ...this.#busy.keys()]
    for (const { reject } of [...this.#queue, ...this.#busy.values()]) reject(new Error('the file workers were closed'))
    this.#queue.length = 0
    this.#busy.clear()
    await Promise.all(workers.map((worker) => worker.terminate()))
  }

  #write(jobs: WriteJob[]): Promise<WriteResult[]> {
    // A block is a part of the message that it came in: one copy of just the files goes over to the other thread.
    const bytes = new Uint8Array(jobs.reduce((sum, { data }) => sum + data.length, 0))
    let offset = 0
    const copied = jobs.map(({ file, data }) => {
      bytes.set(data, offset)
      offset += data.length
      return { file, data: bytes.subarray(offset - data.length, offset) }
    })
    return this.#run({ kind: 'write', jobs: copied }, [bytes.buffer])
  }

  #run<R>(task: Task, transfer: ArrayBuffer[] = []): Promise<R[]> {
    if (this.#closed) return Promise.reject(new Error('the file workers are closed'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, transfer, resolve: resolve as (results: unknown) => void, reject })
      this.#next()
    })
  }

  #next(): void {
    const next = this.#queue[0]
    if (!next) return
    const worker = this.#idle.pop() ?? (this.#started < this.#size ? this.#start() : null)
    if (!worker) return
    this.#queue.shift()
    this.#busy.set(worker, next)
    worker.ref()
    worker.postMessage(next.task, next.transfer)
  }

  #start(): Worker {
    this.#started++
    const worker = new Worker(new URL('./file-worker.js', import.meta.url), {
      // What a worker makes is short-lived and small; without a limit each keeps up to 48 MB for it.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB }
    })
    worker.on('message', (results: unknown) => {
      const done = this.#busy.get(worker)
      this.#busy.delete(worker)
      if (this.#closed) return
      this.#idle.push(worker)
      // An idle thread must not keep the process alive.
      worker.unref()
      done?.resolve(results)
      this.#next()
    })
    worker.on('error', (error) => {
      this.#busy.get(worker)?.reject(error)
      this.#busy.delete(worker)
      this.#started--
      this.#next()
    })
    return worker
  }
}
