import type { Beneath } from '../storage/beneath.js'
import { type BlockRange, blockSpan } from '../storage/layout.js'
import { type OpenDrive, treeHash } from './drive.js'

/** A file is hashed in stretches of about this many bytes. */
const STRETCH_BYTES = 16 * 1024 * 1024

/**
 * Reads a file and compares it with the signed tree.
 * @param file one that cannot be read has none of the blocks
 * @param claimed which blocks to look at; all by default
 * @returns the blocks whose bytes are not in the file
 */
export async function strayBlocks(
  open: OpenDrive,
  file: Beneath,
  range: BlockRange,
  blockSize: number,
  claimed: (index: number) => boolean = () => true
): Promise<number[]> {
  const stray: number[] = []
  const step = Math.max(1, Math.floor(STRETCH_BYTES / blockSize))
  for (let first = 0; first < range.blockLength; first += step) {
    const { start } = blockSpan(range, blockSize, range.blockOffset + first)
    const length = Math.min(step * blockSize, range.byteLength - start)
    const [hashed] = await open.workers.hash([{ file, start, length, blockSize }])
    for (let i = 0; i * blockSize < length; i++) {
      const index = range.blockOffset + first + i
      if (!claimed(index)) continue
      const expected = await treeHash(open.drive, index)
      const actual = hashed && 'hashes' in hashed ? hashed.hashes.subarray(i * 32, i * 32 + 32) : null
      if (!actual || !expected?.equals(actual)) stray.push(index)
    }
  }
  return stray
}
