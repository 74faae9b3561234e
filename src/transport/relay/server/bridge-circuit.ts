import type DHT from 'hyperdht'
import type { Duplex } from 'streamx'
import type { HostPort } from '../../transport.js'
import { LaneStream } from '../lane-stream.js'
import { Backlog, type Backlogs } from './backlog.js'
import { DIAL_MS, PAIR_MS } from './limits.js'
import { type Circuit, type CircuitEnd, createEnd, type Party } from './party.js'
import { RawSocket } from './raw-socket.js'
import { type Answer, RemoteHandshake, waitingForRequest } from './remote-handshake.js'
import type { Toll } from './toll.js'
import { CLOSE, type Visitor } from './visitor.js'

export interface BridgeOptions {
  party: Party
  /** The peer's. */
  key: Buffer
  dht: DHT
  /** Nodes through which the peer was announced. */
  relayAddresses: HostPort[]
  /** All ends are on this machine: then addresses of this machine are ways to the peer. */
  local: boolean
  toll: Toll
  backlogs: Backlogs
  onconnected: () => void
  onclose: () => void
}

/** A circuit from a client into the DHT: lanes at one end, a UDX stream at the other. */
export class BridgeCircuit implements Circuit {
  readonly ends: readonly [CircuitEnd]
  readonly #options: BridgeOptions
  readonly #handshake: RemoteHandshake
  readonly #socket: RawSocket
  readonly #stream = new LaneStream({ onwiden: () => {} })
  readonly #backlog: Backlog
  readonly #visitors = new Map<number, Visitor>()
  #pending: { resolve(answer: Answer): void; reject(error: Error): void } | null = null
  #timer: NodeJS.Timeout
  #pace: NodeJS.Timeout | undefined
  /** The UDX stream takes no more for now. */
  #full = false
  #usedAt = performance.now()
  #closed = false

  constructor(options: BridgeOptions) {
    const { party, toll, backlogs } = options
    this.#options = options
    this.ends = [createEnd(party)]
    this.#handshake = new RemoteHandshake((step, data) => this.#ask(step, data))
    this.#socket = new RawSocket((raw) => this.#onconnected(raw))
    this.#socket.on('close', (error: Error | null) => this.close(reasonOf(error)))
    this.#backlog = new Backlog(this.#stream, toll, backlogs)
    this.#stream.on('error', ignore)
    this.#stream.once('close', () => this.close('the stream has ended'))
    this.#timer = setTimeout(() => this.close('the peer did not answer'), DIAL_MS)
  }

  get usedAt(): number {
    return this.#usedAt
  }

  /** Says what the circuit is called, and begins. */
  start(): void {
    const { party, key, dht, relayAddresses, local } = this.#options
    party.say({ type: 'circuit', circuit: this.ends[0].token, key, initiator: true, bridge: true })
    waitingForRequest(dht, this.#handshake).connect(key, {
      // hyperdht only hands these on to the handshake; the other half of the pair stays with the client.
      keyPair: { publicKey: party.key, secretKey: null },
      relayAddresses,
      localConnection: local,
      createHandshake: () => this.#handshake,
      createSecretStream: () => this.#socket
    })
  }

  /** The client's answer to a step of the handshake. */
  answer(answer: Answer): void {
    const pending = this.#pending
    this.#pending = null
    pending?.resolve(answer)
  }

  attach(_end: CircuitEnd, lane: number, visitor: Visitor): void {
    const connected = this.#socket.rawStream !== null
    if (!connected || this.#visitors.has(lane)) {
      visitor.close(CLOSE.policy, connected ? 'this lane is in use' : 'the peer is not connected yet')
      return
    }
    if (this.#visitors.size === 0) clearTimeout(this.#timer)
    this.#visitors.set(lane, visitor)
    visitor.say({ type: 'paired' })
    const input = this.#stream.addLane({
      send: (frame) => visitor.pass(frame, ignore),
      get buffered() {
        return visitor.buffered
      },
      close: () => visitor.close(CLOSE.normal)
    })
    visitor.handle({
      onmessage: () => visitor.close(CLOSE.protocol, 'a lane carries content only'),
      onbinary: (data) => {
        this.#usedAt = performance.now()
        input.receive(data)
      },
      onclose: () => {
        this.#visitors.delete(lane)
        input.closed()
      }
    })
  }

  close(message: string): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#pace)
    this.#pending?.reject(new Error('the circuit was closed'))
    this.#pending = null
    this.#backlog.close()
    this.#socket.destroy()
    this.#stream.destroy()
    this.#options.onclose()
    const { party, key } = this.#options
    party.say({ type: 'failed', key, circuit: this.ends[0].token, message })
  }

  #ask(step: 'send' | 'receive', data: Buffer): Promise<Answer> {
    if (this.#closed || this.#pending) return Promise.reject(new Error('the client is not there'))
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject }
      this.#options.party.say({ type: 'noise', circuit: this.ends[0].token, step, data })
    })
  }

  #onconnected(raw: Duplex): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.close('no lane was opened'), PAIR_MS)
    const { party, toll } = this.#options
    raw.on('error', ignore)
    raw.on('data', (chunk: Buffer) => {
      this.#usedAt = performance.now()
      if (!this.#backlog.add(chunk)) this.close('this client takes too slowly what it asked for')
    })
    raw.on('end', () => this.#backlog.end())
    // What has come before the end still goes to the client, within a while.
    raw.on('close', () => {
      if (this.#closed) return
      this.#backlog.end()
      this.#timer = setTimeout(() => this.close('the peer closed the connection'), PAIR_MS)
      this.#stream.once('finish', () => this.close('the peer closed the connection'))
    })
    raw.on('drain', () => {
      this.#full = false
      this.#readOn()
    })
    this.#stream.on('data', (chunk: Buffer) => {
      this.#full = !raw.write(chunk)
      this.#rest(toll.pay(chunk.byteLength))
      if (this.#full || this.#pace) this.#stream.pause()
    })
    this.#stream.on('end', () => raw.end())
    this.#options.onconnected()
    party.say({ type: 'open', circuit: this.ends[0].token })
  }

  /** Reads nothing more from the client for a while. */
  #rest(ms: number): void {
    if (ms === 0 || this.#pace) return
    this.#pace = setTimeout(() => {
      this.#pace = undefined
      this.#readOn()
    }, ms)
  }

  #readOn(): void {
    if (!this.#full && !this.#pace) this.#stream.resume()
  }
}

function reasonOf(error: Error | null): string {
  switch ((error as { code?: string } | null)?.code) {
    case 'PEER_NOT_FOUND':
      return 'nobody with this key is announced'
    case 'CANNOT_HOLEPUNCH':
    case 'HOLEPUNCH_ABORTED':
    case 'REMOTE_NOT_HOLEPUNCHABLE':
    case 'HOLEPUNCH_DOUBLE_RANDOMIZED_NATS':
      return "there is no way through the peer's network"
    default:
      return 'the peer could not be reached'
  }
}

function ignore(): void {}
