import { Backoff } from './backoff.js'
import type { DhtNode } from './dht-node.js'
import { endWhenSilent, isLive } from './streams.js'
import type { NoiseStream } from './transport.js'

/** A blind relay that was lost is not asked for so long, and longer each time. */
const FIRST_REST_MS = 30_000
const LONGEST_REST_MS = 10 * 60_000
const MAX_RESTING = 32
/** The connection to a relay is lost after so long a silence: its keep-alives are 5 s apart. */
const SILENCE_MS = 12_000

/**
 * Which blind relay is to carry UDP between us and a peer, if any. Where holes can be punched none is needed, and it
 * would only be a detour: the relay is asked when our own NAT changes its ports all the time, while that is not known,
 * or when punching has failed.
 */
export class BlindRelays {
  readonly #known: () => readonly Buffer[]
  readonly #resting = new Map<string, { until: number; backoff: Backoff }>()

  /** @param known keys of blind relays in the DHT, the best first */
  constructor(known: () => readonly Buffer[]) {
    this.#known = known
  }

  /** The key of a relay to name to a peer; null for none. @param force no hole can be punched to this peer */
  choose(node: Pick<DhtNode, 'steady'>, force: boolean): Buffer | null {
    if (!force && node.steady) return null
    const now = performance.now()
    return this.#known().find((key) => now >= (this.#resting.get(key.toString('hex'))?.until ?? 0)) ?? null
  }

  /**
   * Looks after a new stream, if it goes through a relay: it ends with the connection to that, and moves over when a hole
   * is punched after all.
   */
  watch(stream: NoiseStream, node: DhtNode | null, onmoved: () => void): void {
    const relay = node?.relayOf(stream)
    if (!relay) return
    const onlost = () => {
      if (node?.relayOf(stream) !== relay || !isLive(stream)) return
      this.lost(relay.remotePublicKey)
      stream.destroy(new Error('the relay was lost'))
    }
    endWhenSilent(relay, SILENCE_MS)
    relay.once('close', onlost)
    stream.rawStream.on('remote-changed', onmoved)
    stream.once('close', () => {
      relay.off('close', onlost)
      stream.rawStream.off('remote-changed', onmoved)
    })
  }

  /** The connection to a relay broke: what goes through it would break again and again. */
  lost(key: Buffer): void {
    const name = key.toString('hex')
    const now = performance.now()
    const rest = this.#resting.get(name) ?? { until: 0, backoff: new Backoff(FIRST_REST_MS, LONGEST_REST_MS) }
    // Several streams that go through it break at the same time.
    if (now < rest.until) return
    if (now > rest.until + LONGEST_REST_MS) rest.backoff.reset()
    rest.until = now + rest.backoff.next()
    this.#resting.delete(name)
    this.#resting.set(name, rest)
    for (const oldest of this.#resting.keys()) {
      if (this.#resting.size <= MAX_RESTING) break
      this.#resting.delete(oldest)
    }
  }
}
