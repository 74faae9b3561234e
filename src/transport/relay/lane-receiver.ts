import { WINDOW_BYTES, WINDOW_PIECES } from './lane-sender.js'

/** A piece that has to wait is copied when it would keep alive so many times its size of the socket's buffer. */
const WASTE = 4

/** The receiving half of a stream over lanes: puts the pieces in order, and holds no more than the window. */
export class LaneReceiver {
  /** By serial: what came, and was not handed on yet. */
  readonly #held = new Map<number, Buffer>()
  #next = 0
  #highest = -1
  #arrived = 0
  #delivered = 0
  #end: number | null = null

  /** Bytes handed on in order. */
  get delivered(): number {
    return this.#delivered
  }

  /** True when everything was handed on and there will be no more. */
  get isOver(): boolean {
    return this.#next === this.#end
  }

  /** True when all of the stream has arrived, whether or not it was handed on. */
  get isComplete(): boolean {
    return this.#end !== null && this.#next + this.#held.size === this.#end
  }

  /** @returns false for a piece that came before, or that no honest sender sends yet */
  accept(serial: number, payload: Buffer): boolean {
    if (serial < this.#next || serial >= this.#next + WINDOW_PIECES || this.#held.has(serial)) return false
    if (this.#end !== null && serial >= this.#end) return false
    this.#arrived += payload.byteLength
    if (this.#arrived - this.#delivered > WINDOW_BYTES) return false
    this.#highest = Math.max(this.#highest, serial)
    const pinned = payload.buffer.byteLength > WASTE * payload.byteLength
    this.#held.set(serial, pinned ? Buffer.from(payload) : payload)
    return true
  }

  /** The other end has sent so many pieces, and sends no more. @returns false if that can't be */
  finish(pieces: number): boolean {
    if (this.#end !== null) return this.#end === pieces
    if (pieces <= this.#highest || pieces > this.#next + WINDOW_PIECES) return false
    this.#end = pieces
    return true
  }

  /** The next piece in order, or null while it has not come. */
  take(): Buffer | null {
    const piece = this.#held.get(this.#next)
    if (!piece) return null
    this.#held.delete(this.#next++)
    this.#delivered += piece.byteLength
    return piece
  }

  clear(): void {
    this.#held.clear()
  }
}
