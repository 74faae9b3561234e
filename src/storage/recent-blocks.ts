/** Bytes of blocks kept in memory. */
const MAX_BYTES = 3 * 1024 * 1024
/** Larger blocks are not kept: they are content that went through the index. */
const MAX_BLOCK_BYTES = 16 * 1024

/**
 * Blocks of a core that were committed a moment ago. A drive's own core has a small block for each file, which is read
 * right after it was written: by the peers of its owner, and by whoever downloads it.
 */
export class RecentBlocks {
  readonly #blocks = new Map<number, Buffer>()
  #bytes = 0

  get(index: number): Buffer | null {
    return this.#blocks.get(index) ?? null
  }

  add(index: number, data: Uint8Array): void {
    if (data.byteLength > MAX_BLOCK_BYTES || this.#blocks.has(index)) return
    // Copied: the block is a part of a whole message, which would be kept with it.
    this.#blocks.set(index, Buffer.from(data))
    this.#bytes += data.byteLength
    for (const [oldest, block] of this.#blocks) {
      if (this.#bytes <= MAX_BYTES) break
      this.#blocks.delete(oldest)
      this.#bytes -= block.byteLength
    }
  }

  clear(): void {
    this.#blocks.clear()
    this.#bytes = 0
  }
}
