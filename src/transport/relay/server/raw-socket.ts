import { EventEmitter } from 'node:events'
import type { Duplex } from 'streamx'

/**
 * Stands where hyperdht expects an encrypted stream: takes the UDX stream as soon as it is connected, and leaves its
 * bytes alone. The encryption is between the client and the peer.
 */
export class RawSocket extends EventEmitter {
  /** Set by `start`, as hyperdht expects it. */
  rawStream: Duplex | null = null
  destroying = false
  readonly #onstart: (raw: Duplex) => void

  constructor(onstart: (raw: Duplex) => void) {
    super()
    this.#onstart = onstart
  }

  /** Called by hyperdht when the stream is connected. */
  start(raw: Duplex): void {
    if (this.rawStream || this.destroying) return
    this.rawStream = raw
    this.#onstart(raw)
  }

  /** Ends the attempt, or the connection. 'close' comes later, as from a stream. */
  destroy(error?: Error | null): void {
    if (this.destroying) return
    this.destroying = true
    this.rawStream?.destroy()
    queueMicrotask(() => this.emit('close', error ?? null))
  }
}
