import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { leafHash } from '../storage/leaf-hash.js'
import { zeroBlock } from '../storage/zeros.js'
import type { DownloadTask } from './download-task.js'
import type { Replication } from './replication.js'

/** Blocks that are committed together. */
const BATCH = 128

/** A part of the tree: the blocks from `offset` · 2^depth on, 2^depth of them. */
interface Subtree {
  depth: number
  offset: number
}

/**
 * Finds out which blocks of a file are zeros without getting them. The hash of a part of the tree says nothing of its
 * place, so that of 2^n blocks of zeros is known beforehand. Each block that arrives brings the hashes of its
 * neighbourhood along, as its proof: where these are the hashes of zeros, the blocks are made here, and go through the
 * same check as any that a peer sends. Nothing is taken on trust, and peers need to know nothing of it.
 */
export class ZeroBlocks {
  readonly #content: Hypercore
  readonly #replication: Pick<Replication, 'hold'>
  /** The hashes of 2^n blocks of zeros, each of `blockSize` bytes: one size at a time. */
  #known: { blockSize: number; hashes: Buffer[] } = { blockSize: 0, hashes: [] }
  #filling = false
  #closed = false

  constructor(content: Hypercore, replication: Pick<Replication, 'hold'>) {
    this.#content = content
    this.#replication = replication
  }

  close(): void {
    this.#closed = true
  }

  /**
   * A block of the file turned out to be zeros: makes those after it that are known to be zeros too. What is not made,
   * for whatever reason, comes from peers.
   */
  async fill(task: DownloadTask, index: number): Promise<void> {
    // One hole after the other: what is left out now is found again by the next block that arrives.
    if (this.#filling || this.#closed) return
    this.#filling = true
    let release = (): void => {}
    try {
      const parts = await this.#zerosAfter(task, index)
      if (parts.length > 0) release = this.#replication.hold()
      while (parts.length > 0 && !this.#closed && !task.cancelled) {
        const now = parts.splice(-BATCH)
        const made = await Promise.allSettled(now.map((part) => this.#make(part, task.blockSize)))
        // A failure to write is told where the file is written.
        if (made.some((result) => result.status === 'rejected' || !result.value)) return
        // With its first block a part brought the nodes of its smaller parts. The first ones go last: they are next.
        for (const { depth, offset } of now) {
          for (let d = depth - 1; d >= 0; d--) parts.push({ depth: d, offset: offset * 2 ** (depth - d) + 1 })
        }
        parts.sort((a, b) => b.offset * 2 ** b.depth - a.offset * 2 ** a.depth)
      }
    } finally {
      release()
      this.#filling = false
    }
  }

  /** The parts of a file behind block `index` whose hashes are here and are those of zeros, the last one first. */
  async #zerosAfter({ range, blockSize }: DownloadTask, index: number): Promise<Subtree[]> {
    // The last block may be a shorter one.
    const end = range.blockOffset + Math.floor(range.byteLength / blockSize)
    const found: Subtree[] = []
    for (let depth = 0, offset = index; 2 ** depth < range.blockLength; depth++, offset = Math.floor(offset / 2)) {
      const next = { depth, offset: offset + 1 }
      if (offset % 2 === 1 || (next.offset + 1) * 2 ** depth > end) continue
      const hash = await this.#hashOf(next)
      if (hash?.equals(this.#zeros(blockSize, depth))) found.unshift(next)
    }
    return found
  }

  #make({ depth, offset }: Subtree, blockSize: number): Promise<boolean> {
    const first = offset * 2 ** depth
    const nodes = Array.from({ length: depth }, (_, d) => ({
      index: nodeIndex({ depth: d, offset: first / 2 ** d + 1 }),
      size: blockSize * 2 ** d,
      hash: this.#zeros(blockSize, d)
    }))
    const block = { index: first, value: zeroBlock(blockSize), nodes }
    const { core } = this.#content
    return core.verify({ fork: core.state.fork, block, hash: null, seek: null, upgrade: null, manifest: null }, null)
  }

  async #hashOf(part: Subtree): Promise<Buffer | null> {
    const reader = this.#content.core.storage.read()
    const pending = reader.getTreeNode(nodeIndex(part))
    reader.tryFlush()
    return (await pending)?.hash ?? null
  }

  #zeros(blockSize: number, depth: number): Buffer {
    if (this.#known.blockSize !== blockSize) this.#known = { blockSize, hashes: [leafHash(zeroBlock(blockSize))] }
    const { hashes } = this.#known
    for (let d = hashes.length; d <= depth; d++) {
      const child = { size: blockSize * 2 ** (d - 1), hash: hashes[d - 1] as Buffer }
      hashes.push(crypto.parent({ index: 0, ...child }, { index: 1, ...child }))
    }
    return hashes[depth] as Buffer
  }
}

/** The number that Hypercore gives a node: leaves are even, their parents lie between them. */
function nodeIndex({ depth, offset }: Subtree): number {
  return offset * 2 ** (depth + 1) + 2 ** depth - 1
}
