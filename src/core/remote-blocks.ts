import type Hypercore from 'hypercore'
import type { Report } from '../base/events.js'
import type { NetworkOptions } from '../transport/transport.js'
import type { OpenDrive } from './drive.js'
import { firstContact } from './first-contact.js'
import type { InviteAsker } from './invite-asker.js'
import { openTemporary, type TemporaryClone } from './temporary-clone.js'

/** Blocks that were fetched and passed on stay on the disk for whoever asks next, so many bytes of them. */
const KEPT_BYTES = 256 * 1024 * 1024
/** How long a block may take to come, in ms: then the peer that had it is taken for gone. */
const BLOCK_MS = 60_000
/** How long a peer may take to say what it has, and how often that is looked at, in ms. */
const HEAR_MS = 3000
const HEAR_STEP_MS = 25

export interface RemoteOptions {
  key: Buffer
  network: NetworkOptions
  report: Report
  /** What to be let in by, of a clone that came by an invite. */
  asker?: InviteAsker | null
}

/** A share as its peers have it, of which blocks are fetched one by one. Its index is temporary. */
export class RemoteBlocks {
  readonly #clone: TemporaryClone
  /** Fetched blocks and their sizes, the least recently used first. */
  readonly #kept = new Map<number, number>()
  #keptBytes = 0
  #content: Hypercore | null = null
  #closed = false

  private constructor(clone: TemporaryClone) {
    this.#clone = clone
  }

  /** Resolves once the network is open; peers are looked for meanwhile. */
  static async start(options: RemoteOptions): Promise<RemoteBlocks> {
    return new RemoteBlocks(await openTemporary('serve', options))
  }

  get open(): OpenDrive {
    return this.#clone.open
  }

  /**
   * Waits for a first peer, and all that it knows of the names in the share.
   * @param options.timeout in seconds; 0 for ever
   * @returns false if `signal` ended it
   * @throws DatError NO_PEER
   */
  async meet(options: { timeout: number; endEarly: boolean; report: Report; signal: AbortSignal }): Promise<boolean> {
    const content = await firstContact(this.open, this.#clone.replication, options)
    if (!content) return false
    this.#content = content
    // Its peers say at once what they have; until then everything would seem to be missing.
    await this.#heard(() => content.peers.some((peer) => peer.remoteOpened && peer.remoteLength > 0))
    return true
  }

  /**
   * Whether the blocks are fetched already, or some connected peer seems to have them: of many only the first and the
   * last are looked at, since this is asked for each line of a page.
   */
  has(start: number, length: number): boolean {
    const content = this.#content
    if (!content) return false
    if (!content.core.bitfield.hasUnset(start, length)) return true
    const ends = [start, start + length - 1]
    return content.peers.some((peer) => ends.every((index) => peer._remoteHasBlock(index)))
  }

  /** A block, fetched if it is not here; null if nobody has it, or it does not come. */
  async get(index: number): Promise<Buffer | null> {
    const content = this.#content
    if (!content) return null
    if (!(await this.#heard(() => this.has(index, 1)))) return null
    const block = await content.get(index, { timeout: BLOCK_MS }).catch(() => null)
    if (block) this.#keep(index, block.length)
    return block
  }

  close(): Promise<void> {
    this.#closed = true
    return this.#clone.close()
  }

  /** Waits a little for what a peer may be about to say. */
  async #heard(holds: () => boolean): Promise<boolean> {
    const until = performance.now() + HEAR_MS
    while (!holds()) {
      if (performance.now() > until || this.#closed) return false
      await new Promise((resolve) => setTimeout(resolve, HEAR_STEP_MS))
    }
    return true
  }

  #keep(index: number, bytes: number): void {
    this.#keptBytes += bytes - (this.#kept.get(index) ?? 0)
    this.#kept.delete(index)
    this.#kept.set(index, bytes)
    for (const [oldest, size] of this.#kept) {
      if (this.#keptBytes <= KEPT_BYTES) break
      this.#kept.delete(oldest)
      this.#keptBytes -= size
      // The disk of whoever serves is not to fill up with what others look at.
      void this.#content?.clear(oldest, oldest + 1).catch(() => {})
    }
  }
}
