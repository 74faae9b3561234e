import type { EntryValue } from 'hyperdrive'
import type { Incoming } from '../storage/content-files.js'
import type { FileRecord } from '../storage/file-record.js'
import type { BlockRange } from '../storage/layout.js'

/** A path that is to hold the content of a range of blocks. */
export interface Target {
  path: string
  value: EntryValue
  /** What dat had put there before. */
  ours: FileRecord | null
}

/** One run of blocks on its way into a partial file, and the paths that will hold it. */
export class DownloadTask implements Incoming {
  readonly range: BlockRange
  readonly blockSize: number
  readonly targets: Target[]
  cancelled = false
  #missing: number
  readonly #onprogress: (bytes: number, made: number) => void
  readonly #onzeros: (task: DownloadTask, index: number) => void
  readonly #oncomplete: (task: DownloadTask) => void
  readonly #onmisfit: (task: DownloadTask) => void

  constructor(options: {
    range: BlockRange
    blockSize: number
    target: Target
    /** Blocks that are not here yet. */
    missing: number
    /** Told of bytes that were committed just now, and how many of them were made here. */
    onprogress: (bytes: number, made: number) => void
    /** Told of a block of zeros that came from a peer. */
    onzeros: (task: DownloadTask, index: number) => void
    oncomplete: (task: DownloadTask) => void
    onmisfit: (task: DownloadTask) => void
  }) {
    this.range = options.range
    this.blockSize = options.blockSize
    this.targets = [options.target]
    this.#missing = options.missing
    this.#onprogress = options.onprogress
    this.#onzeros = options.onzeros
    this.#oncomplete = options.oncomplete
    this.#onmisfit = options.onmisfit
  }

  get missing(): number {
    return this.#missing
  }

  oncommitted(blocks: number, bytes: number, made: number): void {
    this.#missing -= blocks
    this.#onprogress(bytes, made)
    if (this.#missing <= 0 && !this.cancelled) this.#oncomplete(this)
  }

  onzeros(index: number): void {
    if (this.#missing > 0 && !this.cancelled) this.#onzeros(this, index)
  }

  onmisfit(): void {
    if (!this.cancelled) this.#onmisfit(this)
  }
}
