import NoiseSecretStream from '@hyperswarm/secret-stream'
import NoiseWrap from 'hyperdht/lib/noise-wrap.js'
import { KEEP_ALIVE_MS, SILENCE_MS, shakeHands } from '../handshake.js'
import { endWhenSilent, firstData } from '../streams.js'
import type { KeyPair, NoiseStream, RelayAccess } from '../transport.js'
import { openLane } from './lane-socket.js'
import { LaneStream } from './lane-stream.js'
import type { ClientMessage, RelayMessage } from './protocol.js'
import { RelayError } from './socket.js'
import { attachLane } from './ws-lane.js'

/** From the relay's message to a stream that works; a relay that looks for a peer in the DHT gets longer. */
const LIMIT_MS = 20_000
const BRIDGE_LIMIT_MS = 45_000
const FIRST_DATA_MS = 10_000

export interface CircuitOptions {
  url: string
  access: RelayAccess
  keyPair: KeyPair
  /** What the relay said about the circuit. */
  message: Extract<RelayMessage, { type: 'circuit' }>
  /** Sockets that it may use. */
  lanes: number
  say: (message: ClientMessage) => void
  onstream: (stream: NoiseStream) => void
  /** Called once: it could not be made, or has ended. `lasted`: milliseconds for which there was a stream. */
  onclose: (lasted: number) => void
}

/** Our end of a circuit through a relay, from its announcement to the end of its stream. */
export class Circuit {
  readonly key: Buffer
  readonly #options: CircuitOptions
  readonly #lanes: LaneStream
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout
  /** Ours, with a peer of the DHT; the relay is told what it needs to connect. */
  readonly #wrap: NoiseWrap | null
  #stream: NoiseStream | null = null
  #since = 0
  #opened = false
  #closed = false

  constructor(options: CircuitOptions) {
    const { key, bridge } = options.message
    this.key = key
    this.#options = options
    this.#wrap = bridge ? new NoiseWrap(options.keyPair, key) : null
    this.#lanes = new LaneStream({ onwiden: () => this.#widen() })
    this.#lanes.on('error', ignore)
    this.#lanes.once('close', () => this.close())
    this.#timer = setTimeout(() => this.close(), bridge ? BRIDGE_LIMIT_MS : LIMIT_MS)
    if (!bridge) this.#open()
  }

  /** True once its stream was handed on. */
  get isUp(): boolean {
    return this.#stream !== null
  }

  /** A step of the handshake with a peer of the DHT. What does not fit ends the circuit. */
  noise(step: 'send' | 'receive', data: Buffer): void {
    const { say, message } = this.#options
    try {
      if (!this.#wrap) throw new RelayError('this circuit needs no help')
      // Out of turn the handshake throws.
      const answer = Buffer.from(step === 'send' ? this.#wrap.handshake.send(data) : this.#wrap.handshake.recv(data))
      const final = this.#wrap.handshake.complete ? this.#wrap.final() : null
      const [secret, remoteId] = [final?.holepunchSecret ?? null, final?.remoteId ?? null]
      say({ type: 'noise', circuit: message.circuit, data: answer, secret, remoteId })
    } catch {
      this.close()
    }
  }

  /** The relay is connected to the peer of the DHT. */
  open(): void {
    if (this.#wrap?.handshake.complete && !this.#opened) this.#open()
    else this.close()
  }

  /** Ends it, unless its stream has been handed on: that ends by itself, with what is still under way. */
  fail(): void {
    if (!this.isUp) this.close()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#abort.abort()
    this.#lanes.destroy()
    const { say, message, onclose } = this.#options
    if (!this.isUp) say({ type: 'drop', circuit: message.circuit })
    onclose(this.isUp ? performance.now() - this.#since : 0)
  }

  #open(): void {
    this.#opened = true
    this.#openLane(0)
      .then(() => (this.#wrap ? this.#unwrap(this.#wrap) : this.#shakeHands()))
      .then((stream) => this.#hand(stream))
      .catch(() => this.close())
  }

  #openLane(lane: number): Promise<void> {
    const { url, access, message } = this.#options
    const { signal } = this.#abort
    const onpaired = (socket: Parameters<typeof attachLane>[1]) => attachLane(this.#lanes, socket)
    return openLane({ url, access, circuit: message.circuit, lane, signal, onpaired })
  }

  #shakeHands(): Promise<NoiseStream> {
    return shakeHands(this.#options.message.initiator, this.#lanes, this.#options.keyPair)
  }

  /** The stream of HyperDHT: its handshake is over, what is to be seen is whether anything comes through. */
  async #unwrap(wrap: NoiseWrap): Promise<NoiseStream> {
    const stream = new NoiseSecretStream(true, this.#lanes, { handshake: wrap.final(), keepAlive: KEEP_ALIVE_MS })
    stream.on('error', ignore)
    if (!(await firstData(stream, FIRST_DATA_MS))) throw new RelayError('nothing came through')
    endWhenSilent(stream, SILENCE_MS)
    return stream
  }

  #hand(stream: NoiseStream): void {
    if (this.#closed || !stream.remotePublicKey.equals(this.key)) {
      stream.destroy()
      this.close()
      return
    }
    clearTimeout(this.#timer)
    this.#stream = stream
    this.#since = performance.now()
    this.#options.onstream(stream)
  }

  /** Opens the other lanes. One that can't be had is done without. */
  #widen(): void {
    for (let lane = 1; lane < this.#options.lanes && !this.#closed; lane++) this.#openLane(lane).catch(ignore)
  }
}

function ignore(): void {}
