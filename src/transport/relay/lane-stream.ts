import { type Callback, Duplex, Readable } from 'streamx'
import { decodeFrame, encodeAck, encodeWiden } from './frames.js'
import { LaneReceiver } from './lane-receiver.js'
import { type Lane, LaneSender, OutLane, WINDOW_BYTES } from './lane-sender.js'
import { MAX_LANES } from './protocol.js'

export type { Lane } from './lane-sender.js'

/** What the owner of a lane's socket calls. */
export interface LaneInput {
  /** A binary message came. It may be kept, and so must not be changed afterwards. */
  receive(data: Buffer): void
  /** The socket was closed. */
  closed(): void
}

/** Bytes that arrive, or are handed on, are acknowledged after so many, and after so long. */
const ACK_BYTES = 64 * 1024
const ACK_MS = 50
/** After so much by a single lane more lanes are asked for: small transfers don't need them. */
const WIDEN_BYTES = 1024 * 1024
/** Bytes in order that may wait for the reader, beyond which they wait as pieces, undelivered. */
const READ_AHEAD_BYTES = 128 * 1024
/** An end that acknowledges what it does not take, or takes no acknowledgements, must not make us gather them. */
const MAX_BUFFERED_BYTES = WINDOW_BYTES + 1024 * 1024

interface LaneState {
  out: OutLane
  arrived: number
  /** What was last acknowledged of `arrived`. */
  told: number
}

/**
 * One ordered stream of bytes over several sockets: docs/protocol/relay.md, "Lanes". Memory is bounded by the window
 * in both directions. Whatever breaks the rules, and the loss of a lane, destroys the stream.
 */
export class LaneStream extends Duplex {
  readonly #sender = new LaneSender()
  readonly #receiver = new LaneReceiver()
  readonly #lanes = new Set<LaneState>()
  readonly #onwiden: () => void
  #wide = false
  #bytesReceived = 0
  /** What was last acknowledged of the bytes that were handed on. */
  #told = 0
  #timer: NodeJS.Timeout | undefined
  #reading: Callback | null = null
  #writing: Callback | null = null
  #finishing: Callback | null = null
  /** A lane was lost after all that the other end had to say. */
  #lost = false

  /** @param options.onwiden called once, when this end or the other has use for more lanes */
  constructor(options: { onwiden?: () => void } = {}) {
    super({ highWaterMark: READ_AHEAD_BYTES, byteLength: (data) => (data as Uint8Array).byteLength })
    this.#onwiden = options.onwiden ?? (() => {})
  }

  /** Bytes of content that came, in order or not. A bridge acknowledges by itself: that proves no life beyond it. */
  get bytesReceived(): number {
    return this.#bytesReceived
  }

  /** False while the reader is paused, as `net.Socket` has it: then silence proves nothing. */
  get readableFlowing(): boolean {
    return !Readable.isPaused(this)
  }

  /** Lanes in use. */
  get width(): number {
    return this.#lanes.size
  }

  /** Takes another socket into use, at once. One that is not wanted (any more) is closed. */
  addLane(lane: Lane): LaneInput {
    if (this.destroying || this.#lanes.size >= MAX_LANES) {
      lane.close()
      return { receive: () => {}, closed: () => {} }
    }
    const state: LaneState = { out: new OutLane(lane), arrived: 0, told: 0 }
    this.#lanes.add(state)
    this.#sender.add(state.out)
    return { receive: (data) => this.#receive(state, data), closed: () => this.#closed(state) }
  }

  override _read(callback: Callback): void {
    this.#reading = callback
    this.#hand()
  }

  override _write(data: unknown, callback: Callback): void {
    if (this.#lost) {
      callback(new Error('the other end is gone'))
      return
    }
    this.#writing = callback
    this.#sender.write(data as Uint8Array, () => this.#settle('written'))
    if (!this.#wide && this.#lanes.size === 1 && this.#sender.sent >= WIDEN_BYTES) {
      for (const { out } of this.#lanes) out.lane.send(encodeWiden())
      this.#widen()
    }
  }

  /** Waits until all of it was handed on over there: a lane that is closed before may take something with it. */
  override _final(callback: Callback): void {
    this.#finishing = callback
    if (!this.#lost) this.#sender.end()
    if (this.#lost || this.#sender.isDelivered) this.#settle('delivered')
  }

  override _predestroy(): void {
    const error = new Error('the stream was closed')
    for (const callback of [this.#reading, this.#writing, this.#finishing]) callback?.(error)
    this.#reading = this.#writing = this.#finishing = null
  }

  override _destroy(callback: Callback): void {
    clearTimeout(this.#timer)
    // Not before the last acknowledgements: the other end waits for them.
    this.#acknowledge(1)
    this.#receiver.clear()
    for (const { out } of this.#lanes) out.lane.close()
    this.#lanes.clear()
    callback(null)
  }

  /** Bytes that no socket has taken yet. */
  get #buffered(): number {
    let sum = 0
    for (const { out } of this.#lanes) sum += out.lane.buffered
    return sum
  }

  #receive(state: LaneState, data: Buffer): void {
    if (this.destroying) return
    const frame = decodeFrame(data)
    let fits = false
    if (frame?.kind === 'data') {
      state.arrived += frame.payload.byteLength
      this.#bytesReceived += frame.payload.byteLength
      fits = this.#receiver.accept(frame.serial, frame.payload)
    } else if (frame?.kind === 'end') fits = this.#receiver.finish(frame.serial)
    else if (frame?.kind === 'ack') fits = this.#sender.acknowledge(state.out, frame.delivered, frame.arrived)
    else fits = frame?.kind === 'widen'
    if (!fits || this.#buffered > MAX_BUFFERED_BYTES) {
      this.destroy(new Error('the relay or the other end does not keep to the protocol'))
      return
    }
    if (frame?.kind === 'widen') this.#widen()
    else if (frame?.kind === 'ack') {
      if (this.#sender.isDelivered) this.#settle('delivered')
    } else {
      this.#hand()
      this.#acknowledge(ACK_BYTES)
    }
  }

  #closed(state: LaneState): void {
    if (!this.#lanes.delete(state) || this.destroying) return
    // The other end has said all, and has heard all or wants to hear no more: it is done with the stream.
    this.#lost = this.#receiver.isComplete
    if (!this.#lost) this.destroy(new Error('the connection to the relay was lost'))
    else if (this.#writing) this.destroy(new Error('the other end is gone'))
    else this.#settle('delivered')
  }

  /** Hands on what is there, as far as the reader wants it. */
  #hand(): void {
    if (!this.#reading) return
    let handed = false
    for (let piece = this.#receiver.take(); piece; piece = this.#receiver.take()) {
      handed = true
      if (!this.push(piece)) break
    }
    if (this.#receiver.isOver) this.push(null)
    else if (!handed) return
    const callback = this.#reading
    this.#reading = null
    this.#acknowledge(ACK_BYTES)
    callback(null)
  }

  /** Acknowledges on each lane for which at least so many bytes are due, and sees to the rest before long. */
  #acknowledge(least: number): void {
    let due = false
    for (const state of this.#lanes) {
      const { delivered } = this.#receiver
      if (state.arrived - state.told >= least || delivered - this.#told >= least) {
        state.told = state.arrived
        this.#told = delivered
        state.out.lane.send(encodeAck(delivered, state.arrived))
      } else if (state.told !== state.arrived) due = true
    }
    if (this.#told !== this.#receiver.delivered) due = true
    if (!due || this.#timer || this.destroying) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#acknowledge(1)
    }, ACK_MS)
  }

  #widen(): void {
    if (this.#wide) return
    this.#wide = true
    this.#onwiden()
  }

  #settle(what: 'written' | 'delivered'): void {
    const callback = what === 'written' ? this.#writing : this.#finishing
    if (what === 'written') this.#writing = null
    else this.#finishing = null
    callback?.(null)
  }
}
