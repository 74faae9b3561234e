import fs from 'node:fs'
import { promisify } from 'node:util'
import { BLOCK_SIZE } from './layout.js'
import { readFully, readUpTo } from './read-fully.js'
import { isZeros, runsOf } from './zeros.js'

const close = promisify(fs.close)
const fstat = promisify(fs.fstat)
const ftruncate = promisify(fs.ftruncate)

/** A file in which long runs of zeros are holes, whatever was there before. Takes one write at a time. */
export class SparseFile {
  readonly #fd: number
  #size: number

  private constructor(fd: number, size: number) {
    this.#fd = fd
    this.#size = size
  }

  /** @param fd open for reading and writing; closed with this, and if this fails */
  static async of(fd: number): Promise<SparseFile> {
    try {
      return new SparseFile(fd, (await fstat(fd)).size)
    } catch (error) {
      await close(fd)
      throw error
    }
  }

  /** @param position in bytes, at a page of the file */
  async write(data: Buffer, position: number): Promise<void> {
    for (const { start, end, hole } of runsOf(data)) {
      const part = data.subarray(start, end)
      if (!hole || !(await this.#isEmpty(position + start, end - start))) await this.#write(part, position + start)
    }
    const end = position + data.length
    if (end <= this.#size) return
    // What ends with a hole is not that long yet; for anything else this changes nothing.
    await ftruncate(this.#fd, end)
    this.#size = end
  }

  close(): Promise<void> {
    return close(this.#fd)
  }

  /** Whether there is nothing but zeros here. What lies in a hole is read from memory. */
  async #isEmpty(position: number, length: number): Promise<boolean> {
    const there = Math.min(length, this.#size - position)
    if (there <= 0) return true
    const data = Buffer.allocUnsafeSlow(there)
    return isZeros(data.subarray(0, await readUpTo(this.#fd, data, position)))
  }

  async #write(data: Buffer, position: number): Promise<void> {
    await writeFully(this.#fd, data, position)
    this.#size = Math.max(this.#size, position + data.length)
  }
}

/**
 * Writes data where a file has nothing yet: what is left out there is a hole. For a worker: it blocks.
 * @param position in bytes, at a page of the file
 */
export function writeSparse(fd: number, data: Uint8Array, position: number): void {
  for (const { start, end, hole } of runsOf(data)) {
    for (let done = hole ? end : start; done < end; ) done += fs.writeSync(fd, data, done, end - done, position + done)
    if (hole && end === data.length) fs.ftruncateSync(fd, position + end)
  }
}

/** Copies so many bytes of one open file to another one, which is empty; zeros become holes. For a worker: it blocks. */
export function copySparse(from: number, to: number, size: number): void {
  const data = Buffer.allocUnsafeSlow(BLOCK_SIZE)
  for (let position = 0; position < size; position += BLOCK_SIZE) {
    const length = Math.min(BLOCK_SIZE, size - position)
    if (!readFully(from, data, length, position)) throw new Error('the file became shorter while it was copied')
    writeSparse(to, data.subarray(0, length), position)
  }
}

function writeFully(fd: number, data: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = 0
    const more = (): void => {
      fs.write(fd, data, done, data.length - done, position + done, (error, n) => {
        if (error) return reject(error)
        done += n
        if (done === data.length) resolve()
        else more()
      })
    }
    more()
  })
}
