import relay, { type Session } from 'blind-relay'
import DHT, { type DHTServer } from 'hyperdht'
import type { NoiseStream } from '../../transport.js'
import { Budget } from './budget.js'
import { BLIND_BURST_BYTES, BLIND_BYTES_PER_SECOND, MAX_BLIND_PAIRS_EACH, MAX_BLIND_SESSIONS } from './limits.js'

/**
 * Relays UDP between two peers whose NATs both randomise their ports, which no hole punching gets through. The packets
 * are encrypted between the two, and go from socket to socket without passing through here.
 */
export class BlindRelay {
  readonly #server: DHTServer
  readonly #relay: InstanceType<typeof relay.Server>
  readonly #keyPair = DHT.keyPair()
  #sessions = 0
  #reachable = false
  #closed = false

  constructor(dht: DHT) {
    this.#relay = new relay.Server({ createStream: (options) => dht.createRawStream({ ...options, framed: true }) })
    const full = () => this.#closed || this.#sessions >= MAX_BLIND_SESSIONS
    this.#server = dht.createServer({ reusableSocket: true, shareLocalAddress: false, firewall: full }, (stream) =>
      this.#accept(stream)
    )
    void this.#listen(dht)
  }

  /** null until the DHT knows the way to it. */
  get publicKey(): Buffer | null {
    return this.#reachable ? this.#keyPair.publicKey : null
  }

  close(): void {
    this.#closed = true
    this.#reachable = false
    void this.#relay.close().catch(ignore)
    void this.#server.close().catch(ignore)
  }

  async #listen(dht: DHT): Promise<void> {
    try {
      await this.#server.listen(this.#keyPair)
      // Without a network that works out just as well, but nobody has answered.
      this.#reachable = !this.#closed && dht.stats.requests.responses > 0
    } catch {
      // No UDP at all: then there is none to be relayed.
    }
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
      pairs++
      raw.on('close', () => pairs--)
      if (pairs > MAX_BLIND_PAIRS_EACH) stream.destroy()
    })
  }
}

function ignore(): void {}
