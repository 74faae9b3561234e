import relay, { type Session } from 'blind-relay'
import DHT, { type DHTServer } from 'hyperdht'
import type { Duplex } from 'streamx'
import type { NoiseStream } from '../../transport.js'
import { Budget } from './budget.js'
import { BLIND_BURST_BYTES, BLIND_BYTES_PER_SECOND, MAX_BLIND_PAIRS_EACH, MAX_BLIND_SESSIONS } from './limits.js'

interface UdxStream extends Duplex {
  readonly bytesReceived: number
}

/**
 * Relays UDP between two peers whose NATs both randomise their ports, which no hole punching gets through. The packets
 * are encrypted between the two, and go from socket to socket without passing through here.
 */
export class BlindRelay {
  readonly #server: DHTServer
  readonly #relay: InstanceType<typeof relay.Server>
  readonly #keyPair = DHT.keyPair()
  readonly #dht: DHT
  readonly #onchange: () => void
  readonly #ends = new Set<UdxStream>()
  readonly #look = () => this.#consider()
  #sessions = 0
  #passed = 0
  #listening = false
  #reachable = false
  #closed = false

  /** @param onchange the key has become known */
  constructor(dht: DHT, onchange: () => void) {
    this.#dht = dht
    this.#onchange = onchange
    this.#relay = new relay.Server({ createStream: (options) => dht.createRawStream({ ...options, framed: true }) })
    const full = () => this.#closed || this.#sessions >= MAX_BLIND_SESSIONS
    this.#server = dht.createServer({ reusableSocket: true, shareLocalAddress: false, firewall: full }, (stream) =>
      this.#accept(stream)
    )
    dht.on('add-node', this.#look)
    void this.#listen()
  }

  /** null until the DHT knows the way to it. */
  get publicKey(): Buffer | null {
    return this.#reachable ? this.#keyPair.publicKey : null
  }

  /** Pairs of peers that are connected now. */
  get pairs(): number {
    return Math.ceil(this.#ends.size / 2)
  }

  /** Bytes of packets for peers that have come so far. */
  get bytes(): number {
    return [...this.#ends].reduce((sum, { bytesReceived }) => sum + bytesReceived, this.#passed)
  }

  close(): void {
    this.#closed = true
    this.#reachable = false
    this.#dht.off('add-node', this.#look)
    void this.#relay.close().catch(ignore)
    void this.#server.close().catch(ignore)
  }

  async #listen(): Promise<void> {
    try {
      await this.#server.listen(this.#keyPair)
      this.#listening = true
      this.#consider()
    } catch {
      // No UDP at all: then there is none to be relayed.
    }
  }

  /** Without a network listening works out just as well, but nobody has answered. */
  #consider(): void {
    if (this.#reachable || this.#closed || !this.#listening || this.#dht.stats.requests.responses === 0) return
    this.#reachable = true
    this.#onchange()
  }

  #accept(stream: NoiseStream): void {
    this.#sessions++
    const budget = new Budget(BLIND_BYTES_PER_SECOND, BLIND_BURST_BYTES)
    let pairs = 0
    stream.on('error', ignore)
    stream.once('close', () => {
      this.#sessions--
    })
    stream.rawStream.on('data', (data: Buffer) => {
      if (budget.spend(data.byteLength) > 0) stream.destroy()
    })
    const session: Session = this.#relay.accept(stream, { id: stream.remotePublicKey })
    session.on('error', ignore)
    session.on('pair', (_isInitiator, _token, raw) => {
      const end = raw as UdxStream
      pairs++
      this.#ends.add(end)
      raw.on('close', () => {
        pairs--
        this.#ends.delete(end)
        this.#passed += end.bytesReceived
      })
      if (pairs > MAX_BLIND_PAIRS_EACH) stream.destroy()
    })
  }
}

function ignore(): void {}
