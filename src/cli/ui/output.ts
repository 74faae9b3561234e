import { fileError, systemCode } from '../../base/errors.js'

/** What dat needs of stdout and stderr; the process's own streams fit, and so does a stream in a test. */
export interface OutputStream extends NodeJS.WritableStream {
  isTTY?: boolean
  columns?: number
}

/**
 * One of the two output streams, on which writing never throws. A reader that leaves early (`dat share | head -1`) ends
 * the output, not the work; any other trouble, such as a full disk behind `>`, is kept for `failure`.
 */
export class Output {
  readonly stream: OutputStream
  #gone = false
  #failure: unknown = null
  readonly #onerror = (error: unknown) => {
    this.#gone = true
    // EIO is a terminal that was closed (SIGHUP), EPIPE a reader that left: nobody is there to be told.
    const code = systemCode(error)
    if (code !== 'EPIPE' && code !== 'EIO' && code !== 'ERR_STREAM_DESTROYED') this.#failure = error
  }

  constructor(stream: OutputStream) {
    this.stream = stream
    stream.on('error', this.#onerror)
  }

  get isTerminal(): boolean {
    return this.stream.isTTY === true
  }

  /** Columns to write in: what the terminal says, or 80. */
  get width(): number {
    const columns = this.stream.columns
    return columns && columns > 0 ? columns : 80
  }

  /** Nobody reads this any more. */
  get gone(): boolean {
    return this.#gone
  }

  /** @throws DatError when what was written could not be stored. */
  check(): void {
    if (this.#failure !== null) throw fileError(this.#failure, 'write the output')
  }

  /** Writes a text, and resolves when it is time to write the next one; false when nobody reads any more. */
  async write(text: string): Promise<boolean> {
    if (this.#gone) return false
    if (!this.stream.write(text)) await this.#drained()
    return !this.#gone
  }

  /** Writes a text without waiting, for progress and events. */
  post(text: string): void {
    if (!this.#gone) this.stream.write(text)
  }

  /** Resolves when everything written so far has left this process. */
  async flush(): Promise<void> {
    if (this.#gone) return
    await new Promise<void>((resolve) => {
      this.stream.once('error', () => resolve())
      this.stream.write('', () => resolve())
    })
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const stream = this.stream
      const settle = () => {
        stream.off('drain', settle)
        stream.off('error', settle)
        stream.off('close', settle)
        resolve()
      }
      stream.on('drain', settle)
      stream.on('error', settle)
      stream.on('close', settle)
    })
  }
}
