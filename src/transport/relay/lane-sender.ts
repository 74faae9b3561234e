import { encodeData, encodeEnd } from './frames.js'
import { MAX_PAYLOAD_BYTES } from './protocol.js'

/** One of the sockets that make up a stream, as the stream sees it. */
export interface Lane {
  /** Sends a binary message, or keeps it until the socket takes it. */
  send(frame: Buffer): void
  /** Bytes that the kernel has not taken yet. */
  readonly buffered: number
  /** Closes the socket once everything was sent, and insists after a while. */
  close(): void
}

/** Content that may be under way: sent, and not yet handed on in order at the other end. */
export const WINDOW_BYTES = 8 * 1024 * 1024
/** The same in messages: many tiny ones must not cost the other end more memory than the window. */
export const WINDOW_PIECES = 4096
/** What a lane may have under way before anything is known of it, and at least. */
const LEAST_BYTES = 128 * 1024
/** In bytes per millisecond: what a new lane is taken for until its first round was measured. */
const GUESSED_RATE = 1000
/** Rounds whose best values count: a lane that became slower is noticed after so many. */
const ROUNDS = 8

/** From a piece that was sent until it has arrived. */
interface Round {
  /** Where the piece ends, in bytes by this lane. */
  until: number
  arrived: number
  at: number
  /** The lane had all under way that it may. */
  full: boolean
}

/**
 * What goes out by one lane. It is measured in rounds, from a piece that is sent until it has arrived: how long that
 * took and how much arrived meanwhile. Twice what the path holds by these measures may be under way, so a lane that
 * could do more shows it in its next round, and one that stalls holds up little.
 */
export class OutLane {
  readonly lane: Lane
  #sent = 0
  #arrived = 0
  #most = LEAST_BYTES
  #round: Round | null = null
  readonly #times: number[] = []
  readonly #rates: number[] = []

  constructor(lane: Lane) {
    this.lane = lane
  }

  /** Bytes of content sent by this lane. */
  get sent(): number {
    return this.#sent
  }

  get hasRoom(): boolean {
    return this.#sent - this.#arrived < this.#most
  }

  /** Milliseconds until a piece of this size, sent now, will have arrived, as far as lanes differ. */
  wait(size: number): number {
    return (this.#sent - this.#arrived + size) / (this.#rates.length > 0 ? Math.max(...this.#rates) : GUESSED_RATE)
  }

  send(frame: Buffer, size: number): void {
    this.#sent += size
    this.#round ??= { until: this.#sent, arrived: this.#arrived, at: performance.now(), full: false }
    if (!this.hasRoom) this.#round.full = true
    this.lane.send(frame)
  }

  /** @returns false for what was never sent */
  acknowledge(arrived: number): boolean {
    if (arrived < this.#arrived || arrived > this.#sent) return false
    this.#arrived = arrived
    if (this.#round && arrived >= this.#round.until) this.#measure(this.#round)
    return true
  }

  #measure(round: Round): void {
    this.#round = null
    const time = Math.max(1, performance.now() - round.at)
    const rate = (this.#arrived - round.arrived) / time
    this.#times.push(time)
    // A round with little to send says nothing about what the lane can do.
    if (round.full || this.#rates.length === 0 || rate > Math.max(...this.#rates)) this.#rates.push(rate)
    for (const list of [this.#times, this.#rates]) if (list.length > ROUNDS) list.shift()
    const path = Math.max(...this.#rates) * Math.min(...this.#times)
    this.#most = Math.min(WINDOW_BYTES, Math.max(LEAST_BYTES, 2 * path))
  }
}

/** The sending half of a stream over lanes: cuts into pieces, numbers them, and keeps to the window. */
export class LaneSender {
  readonly lanes = new Set<OutLane>()
  #queue: Uint8Array[] = []
  #done: (() => void) | null = null
  /** Data messages so far, and their content in bytes. */
  #pieces = 0
  #sent = 0
  #delivered = 0
  /** For each message that was not delivered yet, the oldest first: where its content ends in the stream. */
  readonly #ends: number[] = []
  #ended = false

  /** Bytes of content sent so far. */
  get sent(): number {
    return this.#sent
  }

  /** True when all that was written has been handed on at the other end. */
  get isDelivered(): boolean {
    return this.#queue.length === 0 && this.#delivered === this.#sent
  }

  /** @param done called when everything was given to lanes; the next write has to wait for it */
  write(data: Uint8Array, done: () => void): void {
    for (let at = 0; at < data.byteLength; at += MAX_PAYLOAD_BYTES) {
      this.#queue.push(data.subarray(at, at + MAX_PAYLOAD_BYTES))
    }
    this.#done = done
    this.pump()
  }

  /** Says that there is no more. By every lane, so that the loss of another one afterwards does no harm. */
  end(): void {
    this.#ended = true
    for (const { lane } of this.lanes) lane.send(encodeEnd(this.#pieces))
  }

  add(lane: OutLane): void {
    this.lanes.add(lane)
    if (this.#ended) lane.lane.send(encodeEnd(this.#pieces))
    this.pump()
  }

  /** @returns false for what was never sent */
  acknowledge(lane: OutLane, delivered: number, arrived: number): boolean {
    if (delivered > this.#sent || !lane.acknowledge(arrived)) return false
    // By another lane a later count may have come first.
    this.#delivered = Math.max(this.#delivered, delivered)
    let gone = 0
    while (gone < this.#ends.length && (this.#ends[gone] as number) <= this.#delivered) gone++
    this.#ends.splice(0, gone)
    this.pump()
    return true
  }

  /** Sends what the window and the lanes have room for. */
  pump(): void {
    let next = 0
    for (; next < this.#queue.length; next++) {
      const piece = this.#queue[next] as Uint8Array
      const size = piece.byteLength
      if (this.#sent + size - this.#delivered > WINDOW_BYTES || this.#ends.length >= WINDOW_PIECES) break
      const lane = this.#quickest(size)
      if (!lane) break
      this.#sent += size
      this.#ends.push(this.#sent)
      lane.send(encodeData(this.#pieces++, piece), size)
    }
    this.#queue = next === 0 ? this.#queue : this.#queue.slice(next)
    if (this.#queue.length > 0 || !this.#done) return
    const done = this.#done
    this.#done = null
    done()
  }

  #quickest(size: number): OutLane | null {
    let best: OutLane | null = null
    for (const lane of this.lanes) {
      if (lane.hasRoom && (!best || lane.wait(size) < best.wait(size))) best = lane
    }
    return best
  }
}
