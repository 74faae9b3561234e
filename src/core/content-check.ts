import crypto from 'hypercore-crypto'
import type { Beneath } from '../storage/beneath.js'
import { isTaskError } from '../storage/file-tasks.js'
import { BLOCK_SIZE, type BlockRange, uniformBlockSize } from '../storage/layout.js'
import { type OpenDrive, treeHash } from './drive.js'

/** A file is hashed in stretches of about this many bytes. */
const STRETCH_BYTES = 16 * 1024 * 1024

/**
 * Hashes a file and compares it with the signed tree.
 * @param onbytes told how many bytes were read, stretch by stretch
 * @returns the blocks of `range` that the file does not hold as they should be, in order
 */
export async function* badBlocks(
  open: OpenDrive,
  file: Beneath,
  range: BlockRange,
  onbytes: (bytes: number) => void = () => {}
): AsyncGenerator<number> {
  const blockSize = uniformBlockSize(range)
  if (blockSize === null) throw new Error('these blocks are in no file')
  const step = Math.max(1, Math.floor(STRETCH_BYTES / blockSize))
  for (let first = 0; first < range.blockLength; first += step) {
    const start = first * blockSize
    const length = Math.min(step * blockSize, range.byteLength - start)
    const [hashed] = await open.workers.hash([{ file, start, length, blockSize }])
    for (let i = 0; i * blockSize < length; i++) {
      const index = range.blockOffset + first + i
      const expected = await treeHash(open.drive, index)
      const actual = hashed && !isTaskError(hashed) ? hashed.hashes.subarray(i * 32, i * 32 + 32) : null
      if (!actual || !expected?.equals(actual)) yield index
    }
    onbytes(length)
  }
}

/** Whether a file holds exactly the blocks of `range`. Its size must have been compared before. */
export async function holdsBlocks(open: OpenDrive, file: Beneath, range: BlockRange): Promise<boolean> {
  for await (const _bad of badBlocks(open, file, range)) return false
  return true
}

/**
 * The hash of a file's content, for files that do not map onto blocks.
 * @returns in hex; null if the file cannot be read, or is shorter
 */
export async function contentHash(
  open: OpenDrive,
  file: Beneath,
  bytes: number,
  onbytes: (bytes: number) => void = () => {}
): Promise<string | null> {
  const parts: Uint8Array[] = []
  for (let start = 0; start < bytes; start += STRETCH_BYTES) {
    const length = Math.min(STRETCH_BYTES, bytes - start)
    const [hashed] = await open.workers.hash([{ file, start, length, blockSize: BLOCK_SIZE }])
    if (!hashed || isTaskError(hashed)) return null
    parts.push(hashed.hashes)
    onbytes(length)
  }
  return crypto.hash(Buffer.concat(parts)).toString('hex')
}
