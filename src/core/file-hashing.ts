import crypto from 'hypercore-crypto'
import type { HashJob, HashResult } from '../storage/file-tasks.js'
import { HashedBlock } from '../storage/hashed-block.js'
import { BLOCK_SIZE } from '../storage/layout.js'
import type { OpenDrive } from './drive.js'
import type { Found } from './walk.js'

/** What one thread hashes at a time: up to so many bytes of one large file, or of so many small ones. */
export const TASK_BYTES = 16 * 1024 * 1024
export const TASK_FILES = 64

/** What is to be hashed of a file, stretch by stretch. */
export function hashJobs(root: string, found: Found): HashJob[] {
  const jobs: HashJob[] = []
  for (let start = 0; start < found.size; start += TASK_BYTES) jobs.push(hashJob(root, found, start))
  return jobs
}

function hashJob(root: string, found: Found, start: number): HashJob {
  const file = { root, path: found.path }
  return { file, start, length: Math.min(TASK_BYTES, found.size - start), blockSize: BLOCK_SIZE }
}

/**
 * The hashes of a file, stretch by stretch in order, several under way at once.
 * @param options.first block to begin with
 * @param options.handed where it was handed to the hasher already
 */
export async function* hashFile(
  { root, workers }: Pick<OpenDrive, 'root' | 'workers'>,
  found: Found,
  options: { first: number; handed: readonly Promise<HashResult[]>[] | null; signal: AbortSignal }
): AsyncGenerator<HashResult> {
  const pending = [...(options.handed ?? [])]
  let start = options.first * BLOCK_SIZE
  while (!options.signal.aborted) {
    while (!options.handed && start < found.size && pending.length < workers.concurrency) {
      const results = workers.hash([hashJob(root, found, start)])
      results.catch(() => {})
      pending.push(results)
      start += TASK_BYTES
    }
    const results = pending.shift()
    if (!results) return
    const result = (await results)[0]
    if (result) yield result
  }
}

/** The blocks of a file, or of a stretch of one, of `size` bytes, and what its content is known by. */
export function blocksOf(parts: readonly Uint8Array[], size: number): { blocks: HashedBlock[]; contentHash: Buffer } {
  const hashes = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
  const blocks: HashedBlock[] = []
  for (let i = 0; i * 32 < hashes.length; i++) {
    const length = Math.min(BLOCK_SIZE, size - i * BLOCK_SIZE)
    blocks.push(new HashedBlock(length, Buffer.from(hashes.subarray(i * 32, i * 32 + 32))))
  }
  return { blocks, contentHash: contentHashOf(hashes) }
}

/** What a content is known by. @param hashes of its blocks, 32 bytes each */
export function contentHashOf(hashes: Uint8Array): Buffer {
  return hashes.length === 32 ? Buffer.from(hashes) : crypto.hash(hashes)
}
