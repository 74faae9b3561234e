import type { Report, Route } from '../base/events.js'
import { shortId } from '../base/link.js'
import { bytesHeard, closeGently, isLive, isUdx, sendAlive } from './streams.js'
import type { Candidate, Peer } from './transport.js'

const RANK: Record<Route, number> = { lan: 0, tcp: 1, direct: 2, relay: 4 }
/** A blind relay: UDP fills a path that loses packets, and such a stream moves over to a direct path by itself. */
const RANK_BLIND = 3
/** Two connections by the same route within this time are simultaneous dials, not one that replaces a lost one. */
const SIMULTANEOUS_MS = 5000
/** Before a stream is given up for a better one: time for the other end to see both, and to move over. */
const GRACE_MS = 1000
/** A stream that said nothing for so long after it was spoken to is dead: its keep-alives are 5 s apart. */
const PROOF_OF_LIFE_MS = 7000
/** The other end of a pair decides; if it doesn't, we do. */
const PATIENCE_MS = 15_000
const MAX_STREAMS_EACH = 4

export interface PeerTableOptions {
  /** Our own public key. */
  self: Buffer
  report: Report
  onpeer: (peer: Peer) => void
  /** A peer has no stream left. `clean`: it closed the connection in good order. */
  ongone: (publicKey: Buffer, clean: boolean) => void
}

interface Connection extends Candidate {
  since: number
  /** Our key or theirs is the lower one, and belongs to the end that dialled. */
  favoured: boolean
  /** What `bytesHeard` said when it last had a rival. */
  heard: number
  clean: boolean
  retiring: NodeJS.Timeout | undefined
}

interface Entry {
  publicKey: Buffer
  active: Connection
  all: Set<Connection>
}

/**
 * One stream per peer. Streams of the same peer compete: the better route wins; of two simultaneous dials by the same
 * route the one whose initiator has the lower public key, otherwise the newer one. Both ends come to the same result,
 * but only the end with the lower public key closes the loser, so they can't undo each other's choice: if they ever
 * differ, the other end is left with the stream that the first one kept. The loser is closed only once the winner has
 * shown life; a winner that stays silent was a dead connection, and the newcomer takes its place.
 */
export class PeerTable {
  readonly #options: PeerTableOptions
  readonly #entries = new Map<string, Entry>()
  readonly #peers = new Map<string, Peer>()
  #closed = false

  constructor(options: PeerTableOptions) {
    this.#options = options
  }

  get peers(): ReadonlyMap<string, Peer> {
    return this.#peers
  }

  /** True when the peer is connected by this route or a better one. */
  covers(publicKey: Buffer, route: Route): boolean {
    const active = this.#entries.get(publicKey.toString('hex'))?.active
    return active !== undefined && rankOf(active) <= RANK[route]
  }

  /** True while nobody is connected but by relays that know no UDP. */
  get isPoor(): boolean {
    return [...this.#entries.values()].every(({ active }) => rankOf(active) === RANK.relay)
  }

  /** A stream that is here already goes another way now: nothing but its name changes. */
  moved({ stream, route, address }: Candidate): void {
    const key = stream.remotePublicKey.toString('hex')
    const entry = this.#entries.get(key)
    const connection = [...(entry?.all ?? [])].find((one) => one.stream === stream)
    if (!entry || !connection || this.#closed) return
    const before = connection.route
    Object.assign(connection, { route, address })
    if (entry.active === connection) this.#tell(key, entry, before)
  }

  /** Takes over a stream that has proved itself, and closes it if there is no use for it. */
  add(candidate: Candidate): void {
    const { stream } = candidate
    stream.on('error', () => {})
    const { self } = this.#options
    const publicKey = stream.remotePublicKey
    const key = publicKey.toString('hex')
    const entry = this.#entries.get(key)
    const tooMany = entry !== undefined && entry.all.size >= MAX_STREAMS_EACH
    if (this.#closed || tooMany || !isLive(stream) || publicKey.equals(self)) {
      stream.destroy()
      return
    }

    const weAreLower = Buffer.compare(self, publicKey) < 0
    const connection: Connection = {
      ...candidate,
      since: performance.now(),
      favoured: stream.isInitiator === weAreLower,
      heard: bytesHeard(stream),
      clean: false,
      retiring: undefined
    }
    stream.rawStream.once('end', () => {
      connection.clean = true
      // A stream that nobody reads would stay half open otherwise.
      closeGently(stream)
    })
    stream.once('close', () => this.#remove(key, connection))
    if (!entry) {
      this.#entries.set(key, { publicKey, active: connection, all: new Set([connection]) })
      this.#activate(key, connection, null)
      return
    }
    entry.all.add(connection)
    const { active } = entry
    // Speak on both: that brings the proof of life at once, instead of with the next keep-alive.
    for (const one of entry.all) {
      one.heard = bytesHeard(one.stream)
      sendAlive(one.stream)
    }
    const better = isBetter(connection, active)
    if (better) this.#activate(key, connection, active)
    this.#retire(entry, better ? active : connection, weAreLower ? GRACE_MS : PATIENCE_MS)
  }

  /**
   * After a sleep connections may be dead without knowing: those that stay silent now are closed.
   * @param only those by this route
   */
  verify(only: Route | null = null): void {
    for (const { all } of this.#entries.values()) {
      for (const { stream, route } of all) {
        if (only !== null && route !== only) continue
        const heard = bytesHeard(stream)
        sendAlive(stream)
        const check = setTimeout(() => {
          if (isLive(stream) && bytesHeard(stream) === heard) stream.destroy()
        }, PROOF_OF_LIFE_MS)
        check.unref()
        stream.once('close', () => clearTimeout(check))
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const connections = [...this.#entries.values()].flatMap(({ all }) => [...all])
    await Promise.all(
      connections.map(({ stream, retiring }) => {
        clearTimeout(retiring)
        return closeGently(stream, 300)
      })
    )
    this.#entries.clear()
    this.#peers.clear()
  }

  #activate(key: string, connection: Connection, before: Connection | null): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    clearTimeout(connection.retiring)
    connection.retiring = undefined
    entry.active = connection
    this.#options.onpeer(this.#tell(key, entry, before?.route ?? null))
  }

  /** Shows the stream that is in use, and reports it if the way is another one than before. */
  #tell(key: string, { publicKey, active }: Entry, before: Route | null): Peer {
    const { stream, route, address } = active
    const id = shortId(publicKey)
    const peer: Peer = { id, publicKey, route, address, stream }
    this.#peers.set(key, peer)
    // The same way with another socket is no news to anyone.
    if (before !== route) this.#options.report({ type: 'peer.connected', peer: id, route, address })
    return peer
  }

  /** Closes the loser after a while, if the winner still works by then. */
  #retire(entry: Entry, loser: Connection, wait: number): void {
    clearTimeout(loser.retiring)
    const began = performance.now()
    const look = (): void => {
      const winner = entry.active
      if (loser === winner || !isLive(loser.stream)) return
      if (winner.since > loser.since || bytesHeard(winner.stream) !== winner.heard) {
        void closeGently(loser.stream)
      } else if (performance.now() - began > Math.max(wait, PROOF_OF_LIFE_MS)) {
        winner.stream.destroy()
      } else {
        loser.retiring = setTimeout(look, GRACE_MS)
      }
    }
    loser.retiring = setTimeout(look, wait)
  }

  #remove(key: string, connection: Connection): void {
    clearTimeout(connection.retiring)
    const entry = this.#entries.get(key)
    if (!entry?.all.delete(connection) || this.#closed || entry.active !== connection) return
    const next = [...entry.all].filter(({ stream }) => isLive(stream)).sort((a, b) => (isBetter(a, b) ? -1 : 1))[0]
    if (next) {
      this.#activate(key, next, connection)
      return
    }
    this.#entries.delete(key)
    this.#peers.delete(key)
    const { route, address } = connection
    this.#options.report({ type: 'peer.disconnected', peer: shortId(entry.publicKey), route, address })
    this.#options.ongone(entry.publicKey, connection.clean)
  }
}

function rankOf({ route, stream }: Candidate): number {
  return route === 'relay' && isUdx(stream) ? RANK_BLIND : RANK[route]
}

function isBetter(one: Connection, other: Connection): boolean {
  const [rank, otherRank] = [rankOf(one), rankOf(other)]
  if (rank !== otherRank) return rank < otherRank
  const simultaneous = Math.abs(one.since - other.since) < SIMULTANEOUS_MS
  if (simultaneous && one.favoured !== other.favoured) return one.favoured
  return one.since > other.since
}
