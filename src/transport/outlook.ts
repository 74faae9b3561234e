/**
 * What the search for peers has come to so far. `unknown` is the answer as long as there is any doubt.
 * `blocked`: nothing outside the local network has answered at all. `nobody`: the ways out work, and say that nobody
 * has the share now.
 */
export type Outlook = 'unknown' | 'blocked' | 'nobody'

/** What each way to peers has shown. */
export interface Evidence {
  /** Milliseconds since the search began. */
  age: number
  /** Peers with a live stream. */
  peers: number
  /** null when the DHT is not used. */
  dht: DhtEvidence | null
  /** A process with the share announces itself on the local network. */
  nearby: boolean
  /** null when no relay is named. */
  relay: RelayEvidence | null
}

export interface DhtEvidence {
  /** At least one node has answered. */
  answered: boolean
  /** Lookups in a row that were completed and found nobody. */
  emptyLookups: number
}

/** What all the relays together have shown. */
export interface RelayEvidence {
  /** At least one has let us in. */
  answered: boolean
  /** All have. */
  complete: boolean
  /** One of them knows of somebody with the share. */
  met: boolean
  /** Lookups in the DHT by a relay, for us, that found nobody. */
  emptyLookups: number
}

/**
 * How long there is no verdict, in milliseconds. Anywhere on earth a node of the DHT answers within a second or two,
 * and who starts a few seconds later than we do is found. With the start and the end of the process it fits into 10 s.
 */
const DOUBT_MS = 7500
/** One lookup may fall between two announcements, or meet nodes that have only just come. */
const LOOKUPS = 2

/** The conclusion from the evidence. Without the DHT there is none: the other end may come at any time. */
export function judge({ age, peers, dht, nearby, relay }: Evidence): Outlook {
  if (age < DOUBT_MS || peers > 0 || nearby || !dht || relay?.met) return 'unknown'
  if (!dht.answered && !relay?.answered) return 'blocked'
  // Who has no UDP is to be met at a relay alone.
  if (relay && !relay.complete) return 'unknown'
  const looks = dht.answered ? dht.emptyLookups : (relay?.emptyLookups ?? 0)
  return looks >= LOOKUPS ? 'nobody' : 'unknown'
}
