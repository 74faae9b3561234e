import fs from 'node:fs'
import path from 'node:path'
import { Writable } from 'node:stream'
import { fileError } from '../../base/errors.js'

/** A log has at most so many bytes before it becomes `<file>.1`, in place of the one before: twice that in total. */
const MAX_BYTES = 1024 * 1024

/**
 * Makes the folder of a log and the log, for the user alone.
 * @returns what to append to, for a new process
 * @throws DatError DISK_FULL, PERMISSION, SOURCE
 */
export function openLog(file: string): number {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    return fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT, 0o600)
  } catch (error) {
    throw fileError(error, `write the log ${file}`)
  }
}

/** A log of bounded size. Writing to it never fails: what a full disk does not take is lost, and the work goes on. */
export class LogFile extends Writable {
  readonly #file: string
  readonly #maxBytes: number
  #descriptor: number | null
  #bytes = 0

  constructor(file: string, maxBytes = MAX_BYTES) {
    super({ decodeStrings: true })
    this.#file = file
    this.#maxBytes = maxBytes
    this.#descriptor = openLog(file)
    this.#bytes = fs.fstatSync(this.#descriptor).size
  }

  /** At once: nothing of it may be lost when the process ends. */
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (this.#bytes > 0 && this.#bytes + chunk.length > this.#maxBytes) this.#rotate()
    try {
      if (this.#descriptor !== null) this.#bytes += fs.writeSync(this.#descriptor, chunk)
    } catch {
      // The disk is full, or gone.
    }
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#close()
    done(error)
  }

  #rotate(): void {
    this.#close()
    try {
      fs.renameSync(this.#file, `${this.#file}.1`)
      this.#descriptor = openLog(this.#file)
      this.#bytes = fs.fstatSync(this.#descriptor).size
    } catch {
      // Rather nothing than without a bound.
    }
  }

  #close(): void {
    if (this.#descriptor !== null) fs.closeSync(this.#descriptor)
    this.#descriptor = null
  }
}
