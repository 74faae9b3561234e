import type { FileIndex } from './file-index.js'
import type { FileRecord } from './file-record.js'

const WINDOW_RECORDS = 128
const MAX_WINDOWS = 64

/** The owners of a run of neighbouring files, in block order. */
interface Window {
  records: FileRecord[]
  first: number
  end: number
}

/**
 * Finds the files that hold a block. Peers ask for blocks in order, so one look-up in the index loads the owners of
 * the next hundred files too; what is kept is bounded, however many files the share has.
 */
export class BlockMap {
  readonly #index: FileIndex
  #windows: Window[] = []
  /** Counts changes, so that a window that was being loaded meanwhile is not kept. */
  #generation = 0
  #loading: Promise<Window> | null = null

  constructor(index: FileIndex) {
    this.#index = index
    index.onchange = (record) => this.#forget(record)
  }

  /** The files that hold block `index`: more than one where files are identical, none where it lies in the index. */
  async owners(index: number): Promise<FileRecord[]> {
    let window = this.#find(index)
    // Neighbours are asked for together: one look-up answers them all, so only one is made at a time.
    while (!window && this.#loading) {
      await this.#loading
      window = this.#find(index)
    }
    if (!window) {
      const loading = this.#load(index)
      this.#loading = loading
      try {
        window = await loading
      } finally {
        this.#loading = null
      }
    }
    return window.records.filter(({ range }) => {
      return range !== null && index >= range.blockOffset && index < range.blockOffset + range.blockLength
    })
  }

  #find(index: number): Window | undefined {
    return this.#windows.find((w) => index >= w.first && index < w.end)
  }

  async #load(index: number): Promise<Window> {
    const generation = this.#generation
    const found = await this.#index.rangesFrom(index, WINDOW_RECORDS)
    const records = await this.#index.getMany(found.map(({ path }) => path))
    const window: Window = { records: [], first: index, end: index + 1 }
    found.forEach(({ blockOffset }, i) => {
      const record = records[i]
      if (record?.range?.blockOffset === blockOffset) window.records.push(record)
    })
    const first = window.records[0]?.range
    if (first && first.blockOffset <= index) window.first = first.blockOffset
    // The last record may have twins beyond this window: leave it to the next one, unless it is all there is.
    const last = window.records.at(-1)?.range
    if (last)
      window.end = Math.max(
        index + 1,
        found.length < WINDOW_RECORDS ? last.blockOffset + last.blockLength : last.blockOffset
      )
    if (generation === this.#generation) {
      this.#windows.push(window)
      if (this.#windows.length > MAX_WINDOWS) this.#windows.shift()
    }
    return window
  }

  #forget(record: FileRecord): void {
    this.#generation++
    const { range } = record
    if (!range || this.#windows.length === 0) return
    const end = range.blockOffset + range.blockLength
    this.#windows = this.#windows.filter((w) => end <= w.first || range.blockOffset >= w.end)
  }
}
