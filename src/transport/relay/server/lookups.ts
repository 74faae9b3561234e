import type DHT from 'hyperdht'
import type { HostPort } from '../../transport.js'
import { MAX_MEMBERS } from '../protocol.js'
import { LOOK_MS, LOOKUP_MS, MAX_LOOKUPS } from './limits.js'
import type { Member } from './party.js'

/** Keys found are told at once, then at most so often. */
const TELL_MS = 200

interface Found {
  key: Buffer
  /** Nodes through which it was announced. */
  relayAddresses: HostPort[]
}

interface Lookup {
  guests: Set<Member>
  /** By key in hex. */
  found: Map<string, Found>
}

/** Looks topics up in the DHT for clients that can't. Those of one topic share a lookup. */
export class Lookups {
  readonly #dht: DHT
  /** By topic in hex. */
  readonly #running = new Map<string, Lookup>()
  readonly #state = new WeakMap<Member, { lookedAt: number; found: Map<string, Found> }>()
  #closed = false

  constructor(dht: DHT) {
    this.#dht = dht
  }

  /** Too many, or too often, is not answered: the client asks again anyway. */
  look(guest: Member): void {
    const now = performance.now()
    const state = this.#state.get(guest)
    if (this.#closed || (state && now - state.lookedAt < LOOK_MS)) return
    const topic = guest.topic.toString('hex')
    const running = this.#running.get(topic)
    if (!running && this.#running.size >= MAX_LOOKUPS) return
    const lookup = running ?? { guests: new Set(), found: new Map() }
    lookup.guests.add(guest)
    this.#state.set(guest, { lookedAt: now, found: lookup.found })
    if (!running) void this.#run(topic, guest.topic, lookup)
    else if (lookup.found.size > 0) tell(guest, lookup)
  }

  leave(guest: Member): void {
    this.#running.get(guest.topic.toString('hex'))?.guests.delete(guest)
  }

  /** Nodes through which a key was announced that this client was told of. */
  relayAddresses(guest: Member, key: Buffer): HostPort[] {
    return this.#state.get(guest)?.found.get(key.toString('hex'))?.relayAddresses ?? []
  }

  close(): void {
    this.#closed = true
    for (const { guests } of this.#running.values()) guests.clear()
  }

  async #run(topic: string, target: Buffer, lookup: Lookup): Promise<void> {
    this.#running.set(topic, lookup)
    const query = this.#dht.lookup(target)
    const limit = setTimeout(() => query.destroy(), LOOKUP_MS)
    let toldAt = Number.NEGATIVE_INFINITY
    try {
      for await (const answer of query) {
        if (lookup.guests.size === 0) break
        if (!gather(answer, lookup.found) || performance.now() - toldAt < TELL_MS) continue
        toldAt = performance.now()
        for (const guest of lookup.guests) tell(guest, lookup)
      }
    } catch {
      // What was found until then counts.
    }
    clearTimeout(limit)
    this.#running.delete(topic)
    // "Nobody" is an answer only if there was somebody to ask.
    if (query.successes === 0) return
    for (const guest of lookup.guests) tell(guest, lookup)
  }
}

/** @returns true if there is something new */
function gather(answer: unknown, found: Map<string, Found>): boolean {
  const before = found.size
  const { peers } = answer as { peers?: { publicKey: Buffer; relayAddresses: HostPort[] }[] }
  for (const { publicKey, relayAddresses } of peers ?? []) {
    const name = publicKey.toString('hex')
    if (found.size < MAX_MEMBERS && !found.has(name)) found.set(name, { key: publicKey, relayAddresses })
  }
  return found.size > before
}

function tell(guest: Member, { found }: Lookup): void {
  const keys = [...found.values()].map(({ key }) => key).filter((key) => !key.equals(guest.key))
  guest.say({ type: 'found', keys })
}
