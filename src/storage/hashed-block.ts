import crypto from 'hypercore-crypto'
import { leafHash } from './leaf-hash.js'

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

// hypercore/lib/merkle-tree.js asks `crypto.data(value)` for the hash of each block that is appended or verified, and
// nothing else of an appended value but its byteLength. test/unit/core-storage.test.ts fails when that changes.
crypto.data = (value: Uint8Array | HashedBlock): Buffer => {
  return value instanceof HashedBlock ? value.leafHash : leafHash(value)
}

/** For `core.session()`: lets `append` take HashedBlocks. */
export const hashedBlocks = { encodeBatch: (blocks: unknown[]): unknown[] => blocks }
