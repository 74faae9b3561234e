import type Hypercore from 'hypercore'
import type { TreeNode } from 'hypercore-storage'

/** Nodes kept in memory, of about 150 bytes each. */
const MAX_NODES = 24 * 1024
/** Enough for 64 million blocks. */
const MAX_PRESENT_BYTES = 16 * 1024 * 1024

/**
 * What is known of a core's Merkle tree without asking RocksDB. To prove or to verify a block, Hypercore looks at about
 * a dozen nodes, each in a question of its own that costs two changes of threads; nearly all of them were written a
 * moment ago. Nodes enter here once they are committed, and never differ from what RocksDB has.
 */
export class TreeNodes {
  #nodes = new Map<number, TreeNode>()
  /** One bit per node that RocksDB has; null if the core had nodes already when it was opened. */
  #present: Uint8Array | null

  /** @param empty whether the core has no nodes yet, so that all that will ever be there passes through here */
  constructor(empty: boolean) {
    this.#present = empty ? new Uint8Array(1024) : null
  }

  /** The node; null if there is none; undefined if only RocksDB knows. */
  get(index: number): TreeNode | null | undefined {
    const node = this.#nodes.get(index)
    if (node) return node
    return this.#present && !this.#has(index) ? null : undefined
  }

  /** Nodes that were committed. */
  add(nodes: readonly TreeNode[]): void {
    for (const node of nodes) {
      // The hash is copied: it may be a part of the message that it came in, a whole block that would be kept with it.
      this.#nodes.set(node.index, { index: node.index, size: node.size, hash: Buffer.from(node.hash) })
      if (this.#present) this.#mark(node.index)
    }
    // The oldest go first; the order of insertion is good enough, since neighbours are used together.
    for (const index of this.#nodes.keys()) {
      if (this.#nodes.size <= MAX_NODES) break
      this.#nodes.delete(index)
    }
  }

  /** Nodes were deleted: rare, so everything is forgotten, what is absent too. */
  forget(): void {
    this.#nodes = new Map()
    this.#present = null
  }

  #has(index: number): boolean {
    return ((this.#present?.[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
  }

  #mark(index: number): void {
    let present = this.#present as Uint8Array
    const byte = Math.floor(index / 8)
    // A peer may sign a tree of any length: what it claims must not take up memory.
    if (byte >= MAX_PRESENT_BYTES) {
      this.#present = null
      return
    }
    if (byte >= present.length) {
      const larger = new Uint8Array(Math.max(byte + 1, present.length * 2))
      larger.set(present)
      present = larger
      this.#present = present
    }
    present[byte] = (present[byte] ?? 0) | (1 << (index & 7))
  }
}

/** The leaf of a block: its hash and size as the signed tree has them; null where the tree does not have it (yet). */
export function treeNode(core: Hypercore, block: number): Promise<TreeNode | null> {
  const reader = core.core.storage.read()
  const pending = reader.getTreeNode(2 * block)
  reader.tryFlush()
  return pending
}
