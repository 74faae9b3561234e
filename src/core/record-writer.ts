import type { FileIndex, IndexBatch } from '../storage/file-index.js'
import type { FileRecord } from '../storage/file-record.js'

const FLUSH_MS = 100
const FLUSH_RECORDS = 512

/**
 * Collects records and writes them together. What a crash loses here costs a look at the disk on the next run: a record
 * says less than what is true, never more.
 */
export class RecordWriter {
  readonly #index: FileIndex
  readonly #onerror: (error: unknown) => void
  #batch: IndexBatch | null = null
  #count = 0
  #timer: NodeJS.Timeout | null = null
  #flushing: Promise<void> = Promise.resolve()

  constructor(index: FileIndex, onerror: (error: unknown) => void) {
    this.#index = index
    this.#onerror = onerror
  }

  put(record: FileRecord, previous: FileRecord | null): void {
    this.#open().put(record, previous)
    if (++this.#count >= FLUSH_RECORDS) void this.flush()
  }

  remove(record: FileRecord): Promise<void> {
    this.#open().remove(record)
    return ++this.#count >= FLUSH_RECORDS ? this.flush() : Promise.resolve()
  }

  /** Writes out what was collected; resolves when everything so far is written. */
  flush(): Promise<void> {
    const batch = this.#batch
    this.#batch = null
    this.#count = 0
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    if (batch) this.#flushing = this.#flushing.then(() => batch.flush()).catch(this.#onerror)
    return this.#flushing
  }

  #open(): IndexBatch {
    this.#batch ??= this.#index.batch()
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS)
    return this.#batch
  }
}
