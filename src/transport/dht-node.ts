import blindRelay from 'blind-relay'
import DHT, { type DHTConnectOptions, type DHTOptions, type DHTServer } from 'hyperdht'
import type { Duplex } from 'streamx'
import type { HostPort, NoiseStream } from './transport.js'

/** Dials that ended like this may work with a relay: no hole could be punched. Hyperswarm knows only some of them. */
const PUNCH_FAILURES = new Set([
  'HOLEPUNCH_ABORTED',
  'HOLEPUNCH_DOUBLE_RANDOMIZED_NATS',
  'HOLEPUNCH_PROBE_TIMEOUT',
  'CANNOT_HOLEPUNCH',
  'REMOTE_NOT_HOLEPUNCHABLE',
  'REMOTE_NOT_HOLEPUNCHING',
  'REMOTE_ABORTED'
])
const MAX_UNPUNCHABLE = 1000

/** The fields of a UDX stream that say where its packets go. */
interface UdxStream extends Duplex {
  readonly remoteHost: string | null
  readonly remotePort: number
}

interface Pairing {
  relay: NoiseStream
  host: string | null
  port: number
}

export interface DhtNodeOptions extends DHTOptions {
  /** False while nothing gets through our firewall and no hole can be punched into it: blind relays are left. */
  punch?: (() => boolean) | undefined
  /** The key of a blind relay for a peer to whom no hole can be punched; null for none. */
  relay: () => Buffer | null
  /** A dial without a relay has failed, and there is a relay to help the next one. */
  onrelayable: (publicKey: Buffer) => void
}

/**
 * A node of the DHT that knows which of its streams go through a blind relay: hyperdht does not mark them, and moves
 * them over to the direct path when a hole is punched later. It also knows which dials have no relay to help them.
 */
export class DhtNode extends DHT {
  readonly #pairings = new WeakMap<object, Pairing>()
  readonly #unaided = new Map<NoiseStream, Buffer>()
  /** Keys of peers to whom no hole could be punched. */
  readonly #unpunchable = new Set<string>()
  readonly #punch: () => boolean
  readonly #relay: () => Buffer | null
  readonly #onrelayable: (publicKey: Buffer) => void

  constructor({ punch = () => true, relay, onrelayable, ...options }: DhtNodeOptions) {
    super(options)
    this.#punch = punch
    this.#relay = relay
    this.#onrelayable = onrelayable
  }

  /** Dials under way that have no relay: the stream to come, and whom it is to lead to. */
  get unaided(): ReadonlyMap<NoiseStream, Buffer> {
    return this.#unaided
  }

  /** True once it is known that our NAT keeps to one port, or that there is none. */
  get steady(): boolean {
    return this.host !== null && !this.randomized
  }

  override connect(publicKey: Buffer, options: DHTConnectOptions = {}): NoiseStream {
    // Under the node's own key hyperdht dials relays alone; Hyperswarm dials under ours.
    if (!options.keyPair) {
      const relay = super.connect(publicKey, options)
      this.#watchPairing(relay)
      return relay
    }
    const tried = this.#unpunchable.has(publicKey.toString('hex'))
    const relayThrough = options.relayThrough ?? (tried ? this.#relay() : null)
    const open = this.#punch()
    const shut = !open && { holepunch: () => false, fastOpen: false, localConnection: false }
    const stream = super.connect(publicKey, { ...options, relayThrough, ...shut })
    if (!relayThrough) this.#watchDial(stream, publicKey)
    return stream
  }

  override createServer(options: object = {}, onconnection?: (stream: NoiseStream) => void): DHTServer {
    return super.createServer({ ...options, holepunch: this.#punch }, onconnection)
  }

  /** Our address, if others can send to it unasked. */
  override remoteAddress(): HostPort | null {
    return this.#punch() ? super.remoteAddress() : null
  }

  /** The connection to the blind relay through which a stream goes now; null when it goes straight to the peer. */
  relayOf(stream: NoiseStream): NoiseStream | null {
    const { remoteHost, remotePort } = stream.rawStream as UdxStream
    const pairing = this.#pairings.get(stream.rawStream)
    return pairing && pairing.host === remoteHost && pairing.port === remotePort ? pairing.relay : null
  }

  /** hyperdht asks for the pairing right after it has dialled; both of us get the one client that a connection has. */
  #watchPairing(relay: NoiseStream): void {
    const client = blindRelay.Client.from(relay, { id: relay.publicKey })
    client.on('pair', (_isInitiator, _token, stream) => {
      const { remoteHost: host, remotePort: port } = relay.rawStream as UdxStream
      this.#pairings.set(stream, { relay, host, port })
    })
  }

  #watchDial(stream: NoiseStream, publicKey: Buffer): void {
    let failed = false
    const onerror = (error: Error & { code?: string }) => {
      failed = PUNCH_FAILURES.has(error.code ?? '')
    }
    this.#unaided.set(stream, publicKey)
    stream.on('error', onerror)
    stream.once('open', () => {
      this.#unaided.delete(stream)
      stream.off('error', onerror)
    })
    stream.once('close', () => {
      this.#unaided.delete(stream)
      if (!failed) return
      this.#remember(publicKey.toString('hex'))
      // Hyperswarm hears of it after us.
      if (this.#relay()) queueMicrotask(() => this.#onrelayable(publicKey))
    })
  }

  #remember(key: string): void {
    this.#unpunchable.add(key)
    for (const oldest of this.#unpunchable) {
      if (this.#unpunchable.size <= MAX_UNPUNCHABLE) break
      this.#unpunchable.delete(oldest)
    }
  }
}
