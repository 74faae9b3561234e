import DHT from 'hyperdht'
import { resolveNodes } from '../../bootstrap.js'
import { isLoopback } from '../../host-port.js'
import type { HostPort } from '../../transport.js'
import { BlindRelay } from './blind.js'
import { BridgeCircuit } from './bridge-circuit.js'
import type { Circuits } from './circuits.js'
import { MAX_DIALS, MAX_DIALS_EACH } from './limits.js'
import { Lookups } from './lookups.js'
import type { Member } from './party.js'
import type { Answer } from './remote-handshake.js'

/** What a goodbye to the DHT may take. */
const FAREWELL_MS = 500

export interface BridgeOptions {
  /** Nodes of a private DHT; null for the public one. */
  bootstrap: HostPort[] | null
  circuits: Circuits
  /** The blind relay for UDP can be reached now. */
  onblind: (key: Buffer) => void
}

/** The relay's own node of the DHT: looks and dials for clients without UDP, and relays UDP for those who have it. */
export class DhtBridge {
  readonly #circuits: Circuits
  readonly #dialling = new Set<BridgeCircuit>()
  readonly #backlogs = { bytes: 0 }
  readonly #dht: DHT
  readonly #local: boolean
  readonly #lookups: Lookups
  readonly #blind: BlindRelay

  private constructor(dht: DHT, local: boolean, { circuits, onblind }: BridgeOptions) {
    this.#dht = dht
    this.#local = local
    this.#circuits = circuits
    this.#lookups = new Lookups(dht)
    this.#blind = new BlindRelay(dht, () => {
      if (this.blindKey) onblind(this.blindKey)
    })
  }

  /** Starts in the background: nothing waits for the DHT to answer. */
  static async open(options: BridgeOptions): Promise<DhtBridge> {
    const { bootstrap } = options
    const nodes = bootstrap && (await resolveNodes(bootstrap))
    const local = nodes !== null && nodes.length > 0 && nodes.every(({ host }) => isLoopback(host))
    // With the default, 0.0.0.0, two processes on one machine need 13 s to find each other in a local DHT.
    const dht = new DHT({ ...(nodes && { bootstrap: nodes }), ...(local && { host: '127.0.0.1' }) })
    return new DhtBridge(dht, local, options)
  }

  /** The key of the blind relay for UDP, once it can be reached. */
  get blindKey(): Buffer | null {
    return this.#blind.publicKey
  }

  /** What the blind relay does: pairs of peers now, and bytes so far. */
  get udp(): { pairs: number; bytes: number } {
    const { pairs, bytes } = this.#blind
    return { pairs, bytes }
  }

  look(guest: Member): void {
    this.#lookups.look(guest)
  }

  /** Connects to a peer of the DHT; the client does the handshake. */
  dial(guest: Member, key: Buffer): void {
    const mine = [...this.#dialling].filter((circuit) => guest.circuits.has(circuit)).length
    if (!this.#circuits.hasRoom(guest) || mine >= MAX_DIALS_EACH || this.#dialling.size >= MAX_DIALS) {
      guest.say({ type: 'failed', key, circuit: null, message: 'there are too many connections already' })
      return
    }
    const circuit = new BridgeCircuit({
      party: guest,
      key,
      dht: this.#dht,
      relayAddresses: this.#lookups.relayAddresses(guest, key),
      local: this.#local,
      toll: this.#circuits.toll(guest),
      backlogs: this.#backlogs,
      onconnected: () => this.#dialling.delete(circuit),
      onclose: () => {
        this.#dialling.delete(circuit)
        this.#circuits.remove(circuit)
      }
    })
    this.#dialling.add(circuit)
    this.#circuits.add(circuit)
    circuit.start()
  }

  /** A client's answer to a step of the handshake; one that nobody waits for is passed over. */
  answer(guest: Member, { circuit, data, secret }: Answer & { circuit: Buffer }): void {
    const found = this.#circuits.find(guest, circuit)
    if (found instanceof BridgeCircuit) found.answer({ data, secret })
  }

  leave(guest: Member): void {
    this.#lookups.leave(guest)
  }

  async close(): Promise<void> {
    this.#lookups.close()
    this.#blind.close()
    await Promise.race([this.#dht.destroy({ force: true }).catch(ignore), pause(FAREWELL_MS)])
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}

function ignore(): void {}
