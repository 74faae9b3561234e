import { Worker } from 'node:worker_threads'
import type { Fingerprint } from './file-record.js'

/** A file, or a stretch of one that begins at a block. Lengths and positions in bytes. */
export interface HashJob {
  file: string
  start: number
  length: number
  blockSize: number
}

export type HashResult =
  | ({ hashes: Uint8Array; executable: boolean } & Fingerprint)
  | { error: { code: string; message: string } }

interface Task {
  jobs: HashJob[]
  resolve: (results: HashResult[]) => void
  reject: (error: Error) => void
}

/**
 * Hashes blocks of files in worker threads, so that the main thread is free to serve meanwhile. BLAKE2b is what limits
 * an import: one thread of libsodium does about 690 MB/s, less than a disk.
 */
export class LeafHasher {
  readonly #size: number
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Task>()
  readonly #queue: Task[] = []
  #started = 0
  #closed = false

  /** @param size the number of threads at most; they start when they are needed. */
  constructor(size: number) {
    this.#size = Math.max(1, size)
  }

  /** How many tasks it pays to have under way at once. */
  get concurrency(): number {
    return this.#size * 2
  }

  /** Hashes jobs one after the other in one thread. Failures of single files are in the results. */
  hash(jobs: HashJob[]): Promise<HashResult[]> {
    if (this.#closed) return Promise.reject(new Error('the hasher is closed'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ jobs, resolve, reject })
      this.#next()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    const workers = [...this.#idle, ...this.#busy.keys()]
    for (const task of [...this.#queue, ...this.#busy.values()]) task.reject(new Error('the hasher was closed'))
    this.#queue.length = 0
    this.#busy.clear()
    await Promise.all(workers.map((worker) => worker.terminate()))
  }

  #next(): void {
    const task = this.#queue[0]
    if (!task) return
    const worker = this.#idle.pop() ?? (this.#started < this.#size ? this.#start() : null)
    if (!worker) return
    this.#queue.shift()
    this.#busy.set(worker, task)
    worker.ref()
    worker.postMessage(task.jobs)
  }

  #start(): Worker {
    this.#started++
    const worker = new Worker(new URL('./leaf-hasher-worker.js', import.meta.url))
    worker.unref()
    worker.on('message', (results: HashResult[]) => {
      const task = this.#busy.get(worker)
      this.#busy.delete(worker)
      this.#idle.push(worker)
      worker.unref()
      task?.resolve(results)
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
