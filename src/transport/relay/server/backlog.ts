import type { Duplex } from 'streamx'
import { MAX_BACKLOG, MAX_BACKLOG_EACH } from './limits.js'
import type { Toll } from './toll.js'

/** Bytes that wait in all backlogs. */
export interface Backlogs {
  bytes: number
}

/**
 * What came from the DHT and waits for the client. UDX can't be told to wait, so this is a queue, with a bound; beyond
 * it the caller has to give up.
 */
export class Backlog {
  readonly #to: Duplex
  readonly #toll: Toll
  readonly #all: Backlogs
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #full = false
  #ended = false

  constructor(to: Duplex, toll: Toll, all: Backlogs) {
    this.#to = to
    this.#toll = toll
    this.#all = all
    to.on('drain', this.#ondrain)
  }

  /** @returns false if that is too much */
  add(chunk: Buffer): boolean {
    this.#bytes += chunk.byteLength
    this.#all.bytes += chunk.byteLength
    this.#chunks.push(chunk)
    this.#flush()
    return this.#bytes <= MAX_BACKLOG_EACH && this.#all.bytes <= MAX_BACKLOG
  }

  /** No more will come: ends the stream after what is here. */
  end(): void {
    this.#ended = true
    this.#flush()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#to.off('drain', this.#ondrain)
    this.#all.bytes -= this.#bytes
    this.#bytes = 0
    this.#chunks.length = 0
  }

  #ondrain = (): void => {
    this.#full = false
    this.#flush()
  }

  #flush(): void {
    let sent = 0
    while (sent < this.#chunks.length && !this.#full && !this.#timer) {
      const chunk = this.#chunks[sent++] as Buffer
      this.#bytes -= chunk.byteLength
      this.#all.bytes -= chunk.byteLength
      this.#full = !this.#to.write(chunk)
      this.#wait(this.#toll.pay(chunk.byteLength))
    }
    this.#chunks.splice(0, sent)
    if (this.#ended && this.#chunks.length === 0) this.#to.end()
  }

  #wait(ms: number): void {
    if (ms === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#flush()
    }, ms)
  }
}
