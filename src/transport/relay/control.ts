import type { WebSocket } from 'ws'
import { printable } from '../../base/terminal-text.js'
import type { RelayAccess } from '../transport.js'
import { type ClientMessage, encodeMessage, parseRelayMessage, type RelayMessage } from './protocol.js'
import { openSocket, RelayError } from './socket.js'

const JOINED_MS = 5000
/** A socket that was silent for so long is asked whether it lives, and given up after twice that. */
const SILENCE_MS = 15_000
const LOOK_MS = 5000
/** Messages that the relay does not take are not gathered beyond this. */
const MAX_BUFFERED_BYTES = 1024 * 1024

const STRANGE = 'it does not keep to the protocol'

export interface ControlOptions {
  url: string
  access: RelayAccess
  topic: Buffer
  key: Buffer
  signal: AbortSignal
  /** Every message of the relay but `refused`, in order; the first one is `joined`. */
  onmessage: (message: RelayMessage) => void
}

/** A control socket: what a client and a relay say to each other, but for content. */
export class Control {
  readonly #socket: WebSocket
  readonly #onmessage: (message: RelayMessage) => void
  readonly #watch: NodeJS.Timeout
  #heard = performance.now()
  #failure: RelayError | null = null
  #joined = false
  /** Resolves when the socket is closed, with the reason for a person. */
  readonly closed: Promise<RelayError>

  /**
   * Connects, until `signal` aborts. The first messages come later, and may never come.
   * @throws RelayError
   */
  static async open(options: ControlOptions): Promise<Control> {
    const { url, access, topic, key, signal, onmessage } = options
    const control = new Control(await openSocket(url, access, signal), onmessage)
    control.say({ type: 'join', topic, key })
    return control
  }

  private constructor(socket: WebSocket, onmessage: (message: RelayMessage) => void) {
    this.#socket = socket
    this.#onmessage = onmessage
    const patience = setTimeout(() => this.#fail('it does not let us in'), JOINED_MS)
    this.#watch = setInterval(() => this.#look(), LOOK_MS)
    socket.on('ping', () => this.#hear())
    socket.on('pong', () => this.#hear())
    // Frames that are none, or too long.
    socket.on('error', () => this.#fail(STRANGE))
    socket.on('message', (data, isBinary) => {
      this.#hear()
      this.#receive(isBinary || !Buffer.isBuffer(data) ? null : parseRelayMessage(data.toString()))
      if (this.#joined) clearTimeout(patience)
    })
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        clearTimeout(patience)
        clearInterval(this.#watch)
        resolve(this.#failure ?? new RelayError('it closed the connection'))
      })
    })
  }

  say(message: ClientMessage): void {
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) this.#fail('it does not answer')
    else this.#socket.send(encodeMessage(message))
  }

  #receive(message: RelayMessage | null): void {
    if (this.#failure) return
    if (message?.type === 'refused') this.#fail(printable(message.message))
    else if (!message || (message.type === 'joined') === this.#joined) this.#fail(STRANGE)
    else {
      this.#joined = true
      this.#onmessage(message)
    }
  }

  #hear(): void {
    this.#heard = performance.now()
  }

  #look(): void {
    const silence = performance.now() - this.#heard
    if (silence >= 2 * SILENCE_MS) this.#fail('it does not answer')
    else if (silence >= SILENCE_MS) this.#socket.ping()
  }

  #fail(reason: string): void {
    this.#failure ??= new RelayError(reason)
    this.#socket.terminate()
  }
}
