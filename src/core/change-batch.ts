import type Hypercore from 'hypercore'
import type { Archive } from '../storage/archive.js'
import type { FileIndex } from '../storage/file-index.js'
import type { FileRecord } from '../storage/file-record.js'
import { type HashedBlock, hashedBlocks } from '../storage/hashed-block.js'
import { type BlockRange, blockCount } from '../storage/layout.js'
import type { OpenDrive } from './drive.js'
import { datKeys, entryOf, fileKeys, folderKey, readState, type ShareState, STATE, unreadableKey } from './entry.js'
import { GoneFiles } from './gone-files.js'
import { historySetting } from './history-setting.js'
import { added, counted, NOTHING, TOTALS, type Totals } from './totals.js'

/** Hashes of contents kept in memory before the index is asked instead. */
const MAX_PENDING = 16 * 1024

interface Put {
  record: FileRecord
  previous: FileRecord | null
  /** Of the content, under which a duplicate is found; null where that is known already. */
  contentHash: Buffer | null
}

/**
 * Changes to a share that become visible together. A crash at any point leaves a share that is right: blocks get their
 * owners before they exist, entries come after their blocks, and only then does the index call a file done; what was
 * not called done is looked at again.
 */
export class ChangeBatch {
  readonly #index: FileIndex
  readonly #open: OpenDrive
  readonly #content: Hypercore
  /** Where contents are kept for older versions; null without history. */
  readonly #archive: Archive | null
  #blocks: HashedBlock[] = []
  #blockBytes = 0
  #puts: Put[] = []
  #removals: FileRecord[] = []
  /** Files whose content turned out to be what it was: only the index has to know how they look now. */
  #refreshed: { record: FileRecord; previous: FileRecord }[] = []
  /** Of files and folders that cannot be read now: why, or null where they can be read again. */
  #marks = new Map<string, string | null>()
  #totals: Readonly<Totals>
  /** Content hashes that were met in this run, for duplicates that the index cannot know yet. */
  readonly #pendingContent = new Map<string, BlockRange>()
  readonly #gone: GoneFiles
  /** What the last marker said; null before the first. */
  #complete: boolean | null

  /** All contents that the index knows are in memory. */
  #fresh: boolean

  private constructor(
    open: OpenDrive,
    content: Hypercore,
    totals: Totals,
    complete: boolean | null,
    fresh: boolean,
    history: boolean
  ) {
    this.#archive = history ? open.archive : null
    this.#complete = complete
    this.#fresh = fresh
    this.#open = open
    this.#index = open.index
    this.#content = content
    this.#gone = new GoneFiles(open, content)
    this.#totals = totals
  }

  static async create(open: OpenDrive): Promise<ChangeBatch> {
    const totals = { ...NOTHING, ...(await open.index.getMeta<Totals>(TOTALS)) }
    // Only this session takes hashes in place of data; it shares the core with the drive's own.
    const content = (await open.content()).session(hashedBlocks)
    await content.ready()
    const state = await open.drive.db.get<unknown>(STATE, datKeys)
    const marker = readState(state?.value)
    // A marker of an earlier fork has to be written anew, even where nothing else changes.
    const complete = marker?.fork === content.fork ? marker.complete : null
    const fresh = (await open.index.isEmpty()) && content.length === 0
    const history = (await historySetting(open)) !== null
    return new ChangeBatch(open, content, totals, complete, fresh, history)
  }

  /** Of the share as it will be after the next flush. */
  get totals(): Readonly<Totals> {
    return this.#totals
  }

  get changes(): number {
    return this.#puts.length + this.#removals.length + this.#refreshed.length + this.#marks.size
  }

  get bytes(): number {
    return this.#blockBytes
  }

  /** How many blocks the share has, those of this batch included. */
  get length(): number {
    return this.#content.length + this.#blocks.length
  }

  /** The place that the next blocks will get. */
  nextRange(byteLength: number): BlockRange {
    return {
      blockOffset: this.#content.length + this.#blocks.length,
      blockLength: blockCount(byteLength),
      byteOffset: this.#content.byteLength + this.#blockBytes,
      byteLength
    }
  }

  addBlocks(blocks: readonly HashedBlock[]): void {
    for (const block of blocks) {
      this.#blocks.push(block)
      this.#blockBytes += block.byteLength
    }
  }

  put(record: FileRecord, previous: FileRecord | null, contentHash: Buffer | null = null): void {
    this.#totals = counted(counted(this.#totals, previous, -1), record, 1)
    this.#puts.push({ record, previous, contentHash })
    if (!contentHash || !record.range) return
    this.#pendingContent.set(contentHash.toString('latin1'), record.range)
    const oldest = this.#pendingContent.keys().next().value
    if (this.#pendingContent.size <= MAX_PENDING || oldest === undefined) return
    this.#pendingContent.delete(oldest)
    this.#fresh = false
  }

  /** The blocks of a file with this content that are still served, if there is one. */
  async findContent(hash: Buffer): Promise<BlockRange | null> {
    const range = this.#pendingContent.get(hash.toString('latin1')) ?? (await this.#knownContent(hash))
    if (!range) return null
    const end = range.blockOffset + range.blockLength
    return end > this.#content.length || (await this.#content.has(range.blockOffset, end)) ? range : null
  }

  // In a first import there is nothing to find but what is in memory anyway, and it has most to do.
  #knownContent(hash: Buffer): Promise<BlockRange | null> {
    return this.#fresh ? Promise.resolve(null) : this.#index.rangeOfContent(hash)
  }

  /** The record of a file that was removed in this run and has this inode: it may have been renamed. */
  findGone(inode: number): FileRecord | null {
    return this.#gone.find(inode)
  }

  remove(record: FileRecord): void {
    this.#totals = counted(this.#totals, record, -1)
    this.#removals.push(record)
  }

  /** A file has another fingerprint and the same content: peers need not hear of it. */
  refresh(record: FileRecord, previous: FileRecord): void {
    this.#refreshed.push({ record, previous })
  }

  /**
   * The totals were not what the index holds: it knows the files of a batch before the batch is done, and a kill may
   * come in between.
   */
  correct(before: Readonly<Totals>, held: Readonly<Totals>): void {
    const error = added(held, before, -1)
    if (Object.values(error).every((one) => one === 0)) return
    this.#totals = added(this.#totals, error, 1)
    // So that peers are told, even where nothing else changed.
    this.#complete = null
  }

  /** Tells peers that a path cannot be read, though it is shared; null takes that back. */
  mark(path: string, reason: string | null): void {
    this.#marks.set(path, reason)
  }

  /** Writes everything out. `complete` closes the first index: see ShareState. */
  async flush(complete: boolean): Promise<void> {
    if (this.changes === 0 && (this.#complete === true || !complete)) return
    const blocks = this.#blocks
    const puts = this.#puts
    const removals = this.#removals
    const refreshed = this.#refreshed
    const marks = this.#marks
    // What is the same for peers is no reason to tell them that more is to come.
    const news = puts.length + removals.length + marks.size > 0
    const visible = news || (complete && this.#complete !== true)
    this.#blocks = []
    this.#blockBytes = 0
    this.#puts = []
    this.#removals = []
    this.#refreshed = []
    this.#marks = new Map()
    if (visible) this.#complete = complete

    if (blocks.length > 0) {
      const owners = this.#index.batch()
      for (const { record, previous } of puts) {
        if (record.range) owners.put({ ...record, state: 'indexing' }, previous)
      }
      await owners.flush()
      const first = this.#content.length
      await this.#content.append(blocks)
      const starts = new Set(puts.map(({ record }) => record.range?.blockOffset))
      await this.#open.kept?.add(blocks, (i) => starts.has(first + i))
    }
    if (visible) await this.#writeEntries(puts, removals, marks, complete)

    await this.keep(puts.map(({ record }) => record))
    const done = this.#index.batch()
    const indexing = blocks.length > 0
    for (const { record, previous, contentHash } of puts) {
      // Its owner was written above, with the blocks that it has now.
      done.put(record, indexing && record.range ? record : previous)
      if (contentHash && record.range) done.putContent(contentHash, record.range)
    }
    for (const { record, previous } of refreshed) done.put(record, previous)
    for (const record of removals) done.remove(record)
    done.putMeta(TOTALS, this.#totals)
    await done.flush()
    await this.#open.kept?.mark({ fork: this.#content.fork, version: this.#open.drive.core.length })
    await this.#gone.add([...removals, ...puts.flatMap(({ previous }) => previous ?? [])], complete)
  }

  /**
   * Appends blocks of a file whose entry is out already (import of a large file).
   * @param begins whether the first of them is the first of the file
   */
  async append(blocks: readonly HashedBlock[], begins: boolean): Promise<void> {
    await this.#content.append(blocks)
    await this.#open.kept?.add(blocks, (i) => begins && i === 0)
  }

  /** Keeps what files have now for the time when they have something else. Done before the index calls them done. */
  async keep(records: readonly FileRecord[]): Promise<void> {
    await this.#archive?.keep(this.#open.root, records)
  }

  async close(): Promise<void> {
    await this.#content.close()
  }

  async #writeEntries(
    puts: Put[],
    removals: FileRecord[],
    marks: ReadonlyMap<string, string | null>,
    complete: boolean
  ): Promise<void> {
    const bee = this.#open.drive.db.batch()
    for (const record of removals) {
      if (record.kind === 'folder') await bee.del(folderKey(record.path), datKeys)
      else await bee.del(`/${record.path}`, fileKeys)
    }
    for (const { record } of puts) {
      if (record.kind === 'folder') await bee.put(folderKey(record.path), {}, datKeys)
      else await bee.put(`/${record.path}`, entryOf(record), fileKeys)
    }
    for (const [path, reason] of marks) {
      if (reason === null) await bee.del(unreadableKey(path), datKeys)
      else await bee.put(unreadableKey(path), { reason }, datKeys)
    }
    const state: ShareState = { complete, time: Date.now(), ...this.#totals, fork: this.#content.fork }
    await bee.put(STATE, state, datKeys)
    await bee.flush()
  }
}
