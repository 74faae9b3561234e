import type { Archive } from './archive.js'
import { BlockMap } from './block-map.js'
import type { BlockPlace } from './core-storage.js'
import type { FileIndex } from './file-index.js'
import { FileReader, WRITTEN_TO } from './file-reader.js'
import type { FileRecord } from './file-record.js'
import type { FileWorkers } from './file-workers.js'
import { type BlockRange, blockSpan, uniformBlockSize } from './layout.js'
import { leafHash } from './leaf-hash.js'
import { PartialFiles } from './partial-files.js'
import { isZeroBlock, isZeros } from './zeros.js'

/** Blocks that are read before they are asked for, when a peer reads in order; bounded by bytes for large ones. */
const READ_AHEAD_BLOCKS = 64
const READ_AHEAD_BYTES = 6 * 1024 * 1024

/** A file that is being downloaded. */
export interface Incoming {
  readonly range: BlockRange
  readonly blockSize: number
  /** Called with the blocks of this file that were committed just now, their bytes, and how many of these were made here. */
  oncommitted(blocks: number, bytes: number, made: number): void
  /** Called when a block that came from a peer turned out to be zeros, once it is committed: more may be around it. */
  onzeros(index: number): void
  /** Called when the blocks that arrive are not of the size that the range promised. */
  onmisfit(): void
}

export interface ContentFilesOptions {
  index: FileIndex
  /** The shared folder, or the clone. */
  root: string
  /** The folder of the partial files, below the root. */
  partials: string
  workers: FileWorkers
  /** The hash of a block as the signed tree has it; null if the tree does not have it. */
  treeHash: (index: number) => Promise<Buffer | null>
  /** Whether a block was committed before. */
  has?: (index: number) => boolean
  /** Has what files had before; of an owner. */
  archive?: Archive | null
}

/** The content core's blocks in the files of a folder: reads for peers, and takes what is downloaded. */
export class ContentFiles implements BlockPlace {
  readonly partials: PartialFiles
  /** A file was found to differ from what was indexed; or, `failing`, it is there but cannot be read. */
  onchanged: ((record: FileRecord, reason: string, failing: boolean) => void) | null = null
  /** A block is not what was indexed, though nothing tells that its file was written to: the disk may be failing. */
  ondamaged: ((record: FileRecord, index: number) => void) | null = null
  /** A block could not be written: the download cannot go on. */
  onwritefailed: ((error: unknown) => void) | null = null
  readonly #options: ContentFilesOptions
  readonly #map: BlockMap
  readonly #reader: FileReader
  /** Downloads in progress, by first block, sorted. */
  readonly #incoming: Incoming[] = []
  /** Blocks of zeros that are not committed yet, those that came from a peer and those that were made here. */
  readonly #zeros = { came: new Set<number>(), made: new Set<number>() }
  readonly #ahead = new Map<number, Promise<Buffer | null | undefined>>()
  #lastRead = -1
  /** The block up to which the run of blocks that is being read is read ahead. */
  #aheadUntil = 0

  constructor(options: ContentFilesOptions) {
    this.#options = options
    this.#map = new BlockMap(options.index)
    this.partials = new PartialFiles({ root: options.root, path: options.partials }, options.workers)
    this.#reader = new FileReader(options.workers)
  }

  // Hypercore answers one request after the other; reading the next blocks meanwhile hides the disk.
  readBlock(index: number): Promise<Buffer | null | undefined> {
    const ready = this.#ahead.get(index) ?? this.#read(index)
    this.#ahead.delete(index)
    const sequential = index === this.#lastRead + 1
    this.#lastRead = index
    if (sequential) void ready.then((block) => this.#readAhead(block?.length ?? 0)).catch(ignore)
    return ready
  }

  /**
   * Reads a block from one file that should hold it, and compares it with the tree.
   * @returns null if the file is not as it was; nobody is told, since `readBlock` may find it elsewhere
   */
  async readFrom(record: FileRecord, index: number): Promise<Buffer | null> {
    const blockSize = record.range && record.state === 'done' ? uniformBlockSize(record.range) : null
    if (blockSize === null) return null
    const file = { root: this.#options.root, path: record.path }
    const result = await this.#reader.read(file, record, blockSize, index, true)
    if (!('data' in result)) return null
    const expected = await this.#options.treeHash(index)
    return expected?.equals(leafHash(result.data)) ? result.data : null
  }

  writeBlock(index: number, data: Buffer): Promise<void> | false {
    const incoming = this.#incomingOf(index)
    // A block that is here already, sent once more: its file may be in its place by now.
    if (!incoming) return this.#options.has?.(index) ? Promise.resolve() : false
    const { start, length } = blockSpan(incoming.range, incoming.blockSize, index)
    if (data.length !== length) {
      incoming.onmisfit()
      return false
    }
    if (isZeros(data)) this.#zeros[isZeroBlock(data) ? 'made' : 'came'].add(index)
    const written = this.partials.write(incoming.range, data, start).then(() => {
      // What was read ahead here was a hole in the file, or half of the block.
      this.#ahead.delete(index)
    })
    written.catch((error) => this.onwritefailed?.(error))
    return written
  }

  committed(indexes: readonly number[]): void {
    const sums = new Map<Incoming, { blocks: number; bytes: number; made: number }>()
    const zeros: [Incoming, number][] = []
    // Two peers may send the same block, in one batch or in two: counted twice, it would end its file before all others
    // are there.
    for (const index of new Set(indexes)) {
      const made = this.#zeros.made.delete(index)
      const came = this.#zeros.came.delete(index)
      const incoming = this.#options.has?.(index) ? null : this.#incomingOf(index)
      if (!incoming) continue
      const { length } = blockSpan(incoming.range, incoming.blockSize, index)
      const sum = sums.get(incoming) ?? { blocks: 0, bytes: 0, made: 0 }
      sum.blocks++
      sum.bytes += length
      // Made here and sent by a peer as well: counted as sent.
      if (made && !came) sum.made += length
      sums.set(incoming, sum)
      if (came) zeros.push([incoming, index])
    }
    for (const [incoming, { blocks, bytes, made }] of sums) incoming.oncommitted(blocks, bytes, made)
    for (const [incoming, index] of zeros) incoming.onzeros(index)
  }

  /** From now on blocks of this range go into its partial file. Ranges in progress never overlap. */
  expect(incoming: Incoming): void {
    this.#incoming.splice(this.#position(incoming.range.blockOffset), 0, incoming)
  }

  unexpect(incoming: Incoming): void {
    const i = this.#incoming.indexOf(incoming)
    if (i !== -1) this.#incoming.splice(i, 1)
  }

  /** A file that overlaps this range of blocks and is being downloaded now. */
  overlapping(range: BlockRange): Incoming | null {
    const i = this.#position(range.blockOffset + range.blockLength)
    const before = this.#incoming[i - 1]
    if (!before) return null
    return before.range.blockOffset + before.range.blockLength > range.blockOffset ? before : null
  }

  /** The blocks of the file that is being downloaded and has block `index` among them. */
  runOf(index: number): { start: number; end: number } | null {
    const range = this.#incomingOf(index)?.range
    return range ? { start: range.blockOffset, end: range.blockOffset + range.blockLength } : null
  }

  /** Whether a file has block `index`, or is to get it. */
  async holds(index: number): Promise<boolean> {
    if (this.#incomingOf(index) !== null || (await this.#map.owners(index)).length > 0) return true
    return ((await this.#options.archive?.find(index)) ?? null) !== null
  }

  /** The length of block `index` in bytes, before it is read; null if no file has it. */
  async lengthOf(index: number): Promise<number | null> {
    const owner = (await this.#map.owners(index))[0] ?? (await this.#options.archive?.find(index))
    const range = owner?.range
    const blockSize = range ? uniformBlockSize(range) : null
    return range && blockSize !== null ? blockSpan(range, blockSize, index).length : null
  }

  /** Forgets open descriptors and read-ahead of a file (relative path) that was replaced, moved or removed. */
  forget(relative: string): void {
    this.#reader.forget({ path: relative })
    this.#ahead.clear()
  }

  async close(): Promise<void> {
    this.#ahead.clear()
    await this.#reader.close()
    await this.partials.close()
  }

  /** Reads on in steps of half the distance: many files at once cost little more than one. */
  #readAhead(length: number): void {
    // From what was asked for last, not from what was just read: by now others were asked for too.
    const index = this.#lastRead
    const count = Math.min(READ_AHEAD_BLOCKS, Math.floor(READ_AHEAD_BYTES / Math.max(length, 1)))
    if (this.#aheadUntil < index || this.#aheadUntil > index + 2 * count) {
      this.#aheadUntil = index
      // Left over from another run of blocks.
      this.#ahead.clear()
    }
    if (this.#aheadUntil - index > count / 2) return
    const first = this.#aheadUntil + 1
    this.#aheadUntil = index + count
    for (let i = first; i <= this.#aheadUntil; i++) {
      if (this.#ahead.has(i)) continue
      const reading = this.#read(i)
      this.#ahead.set(i, reading)
      // "Not there" is true for now only: it may be committed a moment later.
      const drop = (block?: Buffer | null): void => {
        if (!block && this.#ahead.get(i) === reading) this.#ahead.delete(i)
      }
      reading.then(drop, () => drop())
    }
  }

  async #read(index: number): Promise<Buffer | null | undefined> {
    const owners = await this.#map.owners(index)
    let refused: (() => void) | null = null
    for (const record of owners) {
      const range = record.range as BlockRange
      const blockSize = uniformBlockSize(range)
      if (blockSize === null) continue
      const partial = record.state === 'partial'
      const file = partial ? this.partials.file(range) : { root: this.#options.root, path: record.path }
      const result = await this.#reader.read(file, record, blockSize, index, !partial)
      if ('data' in result) {
        // Times tell of most changes, not of all: a failing disk, a write through memory, a time that was set back.
        const expected = await this.#options.treeHash(index)
        if (expected?.equals(leafHash(result.data))) return result.data
        // Nobody asks for a block that is not in the tree yet; this was read ahead.
        if (expected === null) return null
      }
      // A partial file that is missing this block says nothing: the block may be in RocksDB.
      if (partial) continue
      if ('changed' in result) refused ??= () => this.onchanged?.(record, result.changed, result.failing === true)
      else if (result.untouched) refused ??= () => this.ondamaged?.(record, index)
      else refused ??= () => this.onchanged?.(record, WRITTEN_TO, false)
    }
    refused?.()
    const old = await this.#readArchived(index)
    return old ?? (refused ? null : undefined)
  }

  /** What a file had before it was overwritten or removed. */
  async #readArchived(index: number): Promise<Buffer | null> {
    const found = await this.#options.archive?.find(index)
    if (!found) return null
    const { range, file } = found
    const result = await this.#reader.read(file, archivedRecord(range), uniformBlockSize(range) ?? 0, index, false)
    if (!('data' in result)) return null
    const expected = await this.#options.treeHash(index)
    return expected?.equals(leafHash(result.data)) ? result.data : null
  }

  #incomingOf(index: number): Incoming | null {
    const incoming = this.#incoming[this.#position(index + 1) - 1]
    if (!incoming) return null
    return index < incoming.range.blockOffset + incoming.range.blockLength ? incoming : null
  }

  /** The position of the first download whose first block is not below `blockOffset`. */
  #position(blockOffset: number): number {
    let low = 0
    let high = this.#incoming.length
    while (low < high) {
      const mid = (low + high) >>> 1
      if ((this.#incoming[mid] as Incoming).range.blockOffset < blockOffset) low = mid + 1
      else high = mid
    }
    return low
  }
}

/** A copy has no name in the folder, and its times say nothing. */
function archivedRecord(range: BlockRange): FileRecord {
  const none = { mtime: 0, inode: 0, ctime: 0, executable: false, racy: false, target: '' }
  return { path: '', kind: 'file', state: 'done', size: range.byteLength, range, ...none }
}

function ignore(): void {}
