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

/** Reads until `data` is full or the file ends. @returns how many bytes were read */
export function readUpTo(fd: number, data: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let done = 0
    const more = (): void => {
      fs.read(fd, data, done, data.length - done, position + done, (error, n) => {
        if (error) return reject(error)
        done += n
        if (n === 0 || done === data.length) resolve(done)
        else more()
      })
    }
    if (data.length === 0) resolve(0)
    else more()
  })
}
