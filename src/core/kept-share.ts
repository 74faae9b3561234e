import fs from 'node:fs'
import path from 'node:path'
import { systemCode } from '../base/errors.js'
import { HashedBlock } from '../storage/hashed-block.js'
import { blockCount } from '../storage/layout.js'
import type { Ceded, Gate, Identity } from './identity.js'

/** In the log, for each block: its hash, and its bytes with FIRST set where a content begins. */
export const ENTRY_BYTES = 36
const FIRST = 0x80000000
const READ_ENTRIES = 4096
const SHARES = 'shares'
const STATE = 'share.json'
const LOG = 'blocks'

/** How far a share had come. */
export interface Mark {
  /** Of its history. */
  fork: number
  /** Length of the drive's own core. */
  version: number
}

export interface KeptState extends Mark {
  /** Of the Corestore, in hex: the keys follow from it. */
  secret: string
  identity: Identity
  /** The folder of the files, and of the index, absolute. */
  root: string
  store: string
  /** The inode of the folder of the files, and the computer. */
  inode: number
  machine: string
  /** The ownership was exported to another computer: this one is no owner any more. */
  ceded?: Ceded | null
  /** Whom it serves, where that was ever said: a share whose index was lost must not be open to all. */
  gate?: Gate
}

/** Whether there is an entry of a block at a place in a log: its size must be that of a block. */
export function isEntryOfBlock(log: Buffer, at: number): boolean {
  return blockCount(log.readUInt32BE(at + 32) & ~FIRST) === 1
}

/** A block that was shared, and whether a content begins with it. */
export interface KeptBlock {
  block: HashedBlock
  first: boolean
}

/**
 * What an owner keeps of a share outside of its index, in the folder of dat's per-user data: the secret key, how far
 * the history had come, and the hashes of all blocks in their order (36 bytes each). With it a share whose `.dat` was
 * lost comes back under the same link, and clones find their blocks in the same places. docs/adr/0010-forks.md.
 */
export class KeptShare {
  state: KeptState
  /** Where it is. */
  readonly folder: string
  #failed: unknown = null

  private constructor(folder: string, state: KeptState) {
    this.folder = folder
    this.state = state
  }

  /** All shares that are kept. Those that cannot be read are left out. */
  static async all(home: string): Promise<KeptShare[]> {
    const folder = path.join(home, SHARES)
    const names = await fs.promises.readdir(folder).catch(() => [])
    const all: KeptShare[] = []
    for (const name of names) {
      const kept = await KeptShare.#read(path.join(folder, name))
      if (kept) all.push(kept)
    }
    return all
  }

  /** @param id names the share; no secret */
  static async open(home: string, id: string): Promise<KeptShare | null> {
    return KeptShare.#read(path.join(home, SHARES, id))
  }

  /** @param entries of the blocks that the share has: all of them are there before anything says whose it is */
  static async create(
    home: string,
    id: string,
    state: KeptState,
    entries: AsyncIterable<Buffer> | Iterable<Buffer> = []
  ): Promise<KeptShare> {
    const kept = new KeptShare(path.join(home, SHARES, id), state)
    await kept.#try(async () => {
      await fs.promises.mkdir(kept.folder, { recursive: true, mode: 0o700 })
      await fs.promises.rm(path.join(kept.folder, LOG), { force: true })
    })
    for await (const some of entries) await kept.addEntries(some)
    await kept.save({})
    return kept
  }

  static async #read(folder: string): Promise<KeptShare | null> {
    try {
      const state = JSON.parse(await fs.promises.readFile(path.join(folder, STATE), 'utf8')) as KeptState
      return /^[0-9a-f]{64}$/.test(state.secret) ? new KeptShare(folder, state) : null
    } catch {
      return null
    }
  }

  /** Why nothing can be kept any more; null while it can. */
  get failed(): unknown {
    return this.#failed
  }

  async save(changes: Partial<KeptState>): Promise<void> {
    this.state = { ...this.state, ...changes }
    await this.#try(async () => {
      const file = path.join(this.folder, STATE)
      await fs.promises.writeFile(`${file}.new`, `${JSON.stringify(this.state)}\n`, { mode: 0o600 })
      await fs.promises.rename(`${file}.new`, file)
    })
  }

  async mark(mark: Mark): Promise<void> {
    if (mark.fork !== this.state.fork || mark.version !== this.state.version) await this.save(mark)
  }

  /** The number of blocks in the log. */
  async length(): Promise<number> {
    const stats = await fs.promises.stat(path.join(this.folder, LOG)).catch(() => null)
    return Math.floor((stats?.size ?? 0) / ENTRY_BYTES)
  }

  /** Adds blocks that were appended to the share. */
  async add(blocks: readonly HashedBlock[], isFirst: (i: number) => boolean): Promise<void> {
    const entries = Buffer.alloc(blocks.length * ENTRY_BYTES)
    blocks.forEach(({ leafHash, byteLength }, i) => {
      entries.set(leafHash, i * ENTRY_BYTES)
      entries.writeUInt32BE((byteLength | (isFirst(i) ? FIRST : 0)) >>> 0, i * ENTRY_BYTES + 32)
    })
    await this.addEntries(entries)
  }

  /** Adds blocks as `entries` gives them. */
  async addEntries(entries: Buffer): Promise<void> {
    await this.#try(() => fs.promises.appendFile(path.join(this.folder, LOG), entries, { mode: 0o600 }))
  }

  /** The blocks from `start` on. */
  async *blocks(start: number): AsyncGenerator<KeptBlock> {
    for await (const entries of this.entries(start, READ_ENTRIES)) {
      for (let at = 0; at < entries.length; at += ENTRY_BYTES) {
        if (!isEntryOfBlock(entries, at)) return
        const word = entries.readUInt32BE(at + 32)
        const hash = Buffer.from(entries.subarray(at, at + 32))
        yield { block: new HashedBlock(word & ~FIRST, hash), first: (word & FIRST) !== 0 }
      }
    }
  }

  /** The same as they are in the log, at most so many at a time; each buffer is good until the next is asked for. */
  async *entries(start: number, most: number): AsyncGenerator<Buffer> {
    let file: fs.promises.FileHandle
    try {
      file = await fs.promises.open(path.join(this.folder, LOG))
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return
      throw error
    }
    try {
      const buffer = Buffer.alloc(most * ENTRY_BYTES)
      for (let position = start * ENTRY_BYTES; ; position += buffer.length) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
        const whole = bytesRead - (bytesRead % ENTRY_BYTES)
        if (whole > 0) yield buffer.subarray(0, whole)
        if (bytesRead < buffer.length) return
      }
    } finally {
      await file.close()
    }
  }

  /** Forgets the blocks from `length` on, and the half of one that a full disk may have left at the end. */
  async cut(length: number): Promise<void> {
    const file = path.join(this.folder, LOG)
    const stats = await fs.promises.stat(file).catch(() => null)
    const bytes = Math.min(length, await this.length()) * ENTRY_BYTES
    if (stats && stats.size !== bytes) await this.#try(() => fs.promises.truncate(file, bytes))
  }

  /** A share that cannot be kept is shared all the same. */
  async #try(work: () => Promise<unknown>): Promise<void> {
    if (this.#failed !== null) return
    try {
      await work()
    } catch (error) {
      this.#failed = error
    }
  }
}
