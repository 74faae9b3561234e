import fs from 'node:fs'

/**
 * Reads so many bytes from a place in an open file, however many calls that takes. For a worker: it blocks.
 * @returns false when the file is shorter
 */
export function readFully(fd: number, into: Uint8Array, length: number, position: number): boolean {
  for (let done = 0; done < length; ) {
    const n = fs.readSync(fd, into, done, length - done, position + done)
    if (n === 0) return false
    done += n
  }
  return true
}
