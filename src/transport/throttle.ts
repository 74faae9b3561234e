import type { Duplex } from 'streamx'
import { TokenBucket } from './token-bucket.js'
import type { Limits, NoiseStream } from './transport.js'

/**
 * What a limit leaves for the streams. The headers of packets, which no program sees, add 3 to 5 %: so the bytes of the
 * streams and the bytes on the wire are both within 5 % of what was asked for.
 */
const STREAM_PART = 0.97
/** A message goes out in pieces, each this part of a second's bytes: several streams take turns without long pauses. */
const PIECE_SECONDS = 0.02
const MIN_PIECE_BYTES = 1024
const MAX_PIECE_BYTES = 64 * 1024

/**
 * Keeps the bytes of all streams together within limits, on any transport. It sits below the encryption: what is
 * written is held back, and its writer waits for the 'drain' as it does with a slow network; what arrives is not read,
 * and TCP holds the sender. UDX has no such brake: see `pace`.
 */
export class Throttle {
  readonly #up: TokenBucket | null
  readonly #down: TokenBucket | null
  readonly #gates = new WeakMap<NoiseStream, WriteGate>()

  constructor({ up, down }: Limits) {
    this.#up = up === null ? null : new TokenBucket(up * STREAM_PART)
    this.#down = down === null ? null : new TokenBucket(down * STREAM_PART)
  }

  /** Puts a stream under the limits. To be called once, when its handshake is over. */
  add(stream: NoiseStream): void {
    if (this.#down) gateReading(stream.rawStream, this.#down)
    if (this.#up) this.#gate(stream)
  }

  /**
   * Limits what is sent through one stream, beside the limit for all.
   * @param rate bytes per second; null for no limit of its own
   */
  pace(stream: NoiseStream, rate: number | null): void {
    if (stream.destroying || (rate === null && !this.#gates.has(stream))) return
    this.#gate(stream).own = rate
  }

  #gate(stream: NoiseStream): WriteGate {
    let gate = this.#gates.get(stream)
    if (!gate) {
      gate = new WriteGate(stream.rawStream, this.#up)
      this.#gates.set(stream, gate)
    }
    return gate
  }
}

/**
 * Stands in for `write` and `end` of a raw stream. The writer above waits for 'drain' before it writes again, so what
 * is held here is one message, beside the header of the encryption.
 */
class WriteGate {
  readonly #raw: Duplex
  readonly #all: TokenBucket | null
  readonly #write: Duplex['write']
  readonly #end: Duplex['end']
  /** Who listened for 'drain' before the gate came in between. */
  readonly #above: Array<() => void>
  #own: TokenBucket | null = null
  #held: Uint8Array[] = []
  #ended = false
  /** The raw stream wants to be left alone until its next 'drain'. */
  #full = false
  /** The writer above waits for a 'drain'. */
  #owed = false
  #cancel: (() => void) | null = null

  constructor(raw: Duplex, all: TokenBucket | null) {
    this.#raw = raw
    this.#all = all
    this.#write = raw.write.bind(raw)
    this.#end = raw.end.bind(raw)
    this.#above = raw.listeners('drain') as Array<() => void>
    raw.removeAllListeners('drain')
    raw.on('drain', () => {
      this.#full = false
      // What was written before the gate was there may be what is waited for.
      if (this.#held.length === 0) this.#owed = true
      this.#run()
    })
    raw.once('close', () => {
      this.#held = []
      this.#cancel?.()
    })
    raw.write = (data: unknown) => {
      this.#held.push(data as Uint8Array)
      this.#run()
      this.#owed = this.#held.length > 0 || this.#full
      return !this.#owed
    }
    raw.end = () => {
      this.#ended = true
      if (this.#held.length === 0) this.#end()
      return this.#raw
    }
  }

  /** The limit of this stream alone, in bytes per second; null for none. */
  get own(): number | null {
    return this.#own?.rate ?? null
  }

  set own(rate: number | null) {
    if (rate === this.own) return
    this.#own = rate === null ? null : new TokenBucket(rate)
    this.#cancel?.()
    this.#cancel = null
    this.#run()
  }

  /** Sends what may be sent now, and asks for the next turn. */
  #run(): void {
    if (this.#cancel) return
    while (this.#held.length > 0 && !this.#full) {
      const busy = [this.#own, this.#all].find((bucket) => bucket && !bucket.free)
      if (busy) {
        this.#wait(busy)
        return
      }
      this.#send()
    }
    if (this.#held.length > 0 || this.#full) return
    if (this.#ended) this.#end()
    if (!this.#owed) return
    this.#owed = false
    for (const listener of this.#above) listener.call(this.#raw)
  }

  #wait(bucket: TokenBucket): void {
    this.#cancel = bucket.wait(() => {
      this.#cancel = null
      // It is our turn here; the other limit may still say no.
      const other = bucket === this.#own ? this.#all : this.#own
      if (other && !other.free) this.#wait(other)
      else {
        if (!this.#full) this.#send()
        this.#run()
      }
    })
  }

  #send(): void {
    const first = this.#held[0]
    if (!first) return
    const rate = Math.min(this.#all?.rate ?? Number.POSITIVE_INFINITY, this.#own?.rate ?? Number.POSITIVE_INFINITY)
    const size = Math.min(MAX_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, Math.round(rate * PIECE_SECONDS)))
    const piece = first.subarray(0, size)
    if (piece.byteLength === first.byteLength) this.#held.shift()
    else this.#held[0] = first.subarray(size)
    this.#all?.spend(piece.byteLength)
    this.#own?.spend(piece.byteLength)
    if (!this.#write(piece)) this.#full = true
  }
}

/** Pauses a raw stream while the limit is used up. Whoever pauses and resumes it above goes on to do so. */
function gateReading(raw: Duplex, bucket: TokenBucket): void {
  const pause = raw.pause.bind(raw)
  const resume = raw.resume.bind(raw)
  let wanted = true
  let cancel: (() => void) | null = null
  raw.pause = () => {
    wanted = false
    return pause()
  }
  raw.resume = () => {
    wanted = true
    return cancel ? raw : resume()
  }
  raw.on('data', (data: Uint8Array) => {
    bucket.spend(data.byteLength)
    if (cancel || bucket.free) return
    pause()
    cancel = bucket.wait(() => {
      cancel = null
      if (wanted) resume()
    })
  })
  raw.once('close', () => cancel?.())
}
