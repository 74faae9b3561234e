/** Where a blob's blocks lie in its file. Pure arithmetic: no disk, no tree. */

/**
 * Bytes in a block of a file that dat imports. Larger blocks cost fewer round trips and less work per byte, smaller
 * ones less memory in flight: docs/adr/0002-block-size.md has the measurements.
 */
export const BLOCK_SIZE = 1024 * 1024

/** Bytes in a block of a drive made by plain Hyperdrive (the default of hyperblobs). */
const STOCK_BLOCK_SIZE = 64 * 1024

/** A run of blocks that holds one file, as a Hyperdrive entry names it. */
export interface BlockRange {
  blockOffset: number
  blockLength: number
  byteOffset: number
  byteLength: number
}

/** The number of blocks of a file of `bytes` bytes. */
export function blockCount(bytes: number): number {
  return Math.ceil(bytes / BLOCK_SIZE)
}

/**
 * The size of all but the last block of a range, or null if its blocks cannot all be of one size that we know: such
 * a blob is kept in the index instead of in place. With two blocks or more, no byte length fits both sizes.
 */
export function uniformBlockSize(range: BlockRange): number | null {
  const { blockLength, byteLength } = range
  if (blockLength === 1) return byteLength
  if (Math.ceil(byteLength / BLOCK_SIZE) === blockLength) return BLOCK_SIZE
  if (Math.ceil(byteLength / STOCK_BLOCK_SIZE) === blockLength) return STOCK_BLOCK_SIZE
  return null
}

/** The place of block `index` inside the file of `range`, whose blocks are of `blockSize` bytes but for the last. */
export function blockSpan(range: BlockRange, blockSize: number, index: number): { start: number; length: number } {
  const start = (index - range.blockOffset) * blockSize
  return { start, length: Math.min(blockSize, range.byteLength - start) }
}

/** Files of 64 TiB, and shares of 4 PiB: the replicator's work grows with a range, whether its blocks exist or not. */
const MAX_BLOCKS_OF_FILE = 2 ** 26
const MAX_BLOCKS = 2 ** 32

/** True for a range that a peer may claim: whole numbers, not negative, not absurd, that fit together. */
export function isValidRange(range: BlockRange): boolean {
  const { blockOffset, blockLength, byteOffset, byteLength } = range
  return (
    [blockOffset, blockLength, byteOffset, byteLength].every((n) => Number.isSafeInteger(n) && n >= 0) &&
    blockLength <= MAX_BLOCKS_OF_FILE &&
    blockOffset + blockLength <= MAX_BLOCKS &&
    (blockLength === 0) === (byteLength === 0) &&
    byteLength >= blockLength
  )
}
