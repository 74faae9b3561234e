import crypto from 'hypercore-crypto'

/**
 * Stands in for the data of a block that lies in a file already. Appending one signs its hash into the tree, without
 * the bytes ever passing through the main thread: they were hashed by a worker (leaf-hasher).
 */
export class HashedBlock {
  constructor(
    readonly byteLength: number,
    readonly leafHash: Buffer
  ) {}
}

const hashData = crypto.data

// hypercore/lib/merkle-tree.js asks `crypto.data(value)` for the hash of each block that is appended, and nothing else
// of the value but its byteLength. test/unit/core-storage.test.ts fails when an update changes that.
crypto.data = (value: Uint8Array | HashedBlock): Buffer => {
  return value instanceof HashedBlock ? value.leafHash : hashData(value)
}

/** The hash of a block's data as a leaf of the tree. */
export function leafHash(data: Uint8Array): Buffer {
  return hashData(data)
}

/** For `core.session()`: lets `append` take HashedBlocks. */
export const hashedBlocks = { encodeBatch: (blocks: unknown[]): unknown[] => blocks }
