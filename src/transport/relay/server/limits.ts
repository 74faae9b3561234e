/** What an operator can choose. */
export interface RelayLimits {
  /** Clients (control sockets) at once. */
  clients: number
  /** Clients at once from one address: an IPv4 address, or the /64 of an IPv6 address. */
  perAddress: number
  /** Bytes per second of one client, both directions together; null for no limit. */
  clientRate: number | null
  /** Bytes per second of all clients together; null for no limit. */
  totalRate: number | null
  /** A circuit through which no byte went for so long is closed. Streams of dat send something every 5 s. */
  idleMs: number
}

/** Made for a small virtual server with a gigabit port. */
export const DEFAULT_LIMITS: RelayLimits = {
  clients: 500,
  perAddress: 64,
  clientRate: 50e6,
  totalRate: 100e6,
  idleMs: 5 * 60_000
}

/** Time for the first message of a socket, and for the TLS and HTTP handshakes before it. */
export const FIRST_MESSAGE_MS = 5000
/** Sockets that have not said yet what they are for, per address and in total. */
export const MAX_STRANGERS_EACH = 128
export const MAX_STRANGERS = 1024
/** Sockets per client, on average, that the server accepts. */
export const SOCKETS_PER_CLIENT = 16
/** The longest head of an HTTP request. */
export const MAX_HEAD_BYTES = 8 * 1024

/** Text messages of one client: so many at once, then so many per second. */
export const TEXT_BURST = 200
export const TEXT_RATE = 20
/** Messages that a client has not read yet; who lets more gather is gone or hostile. */
export const MAX_UNREAD_BYTES = 256 * 1024

/** A socket that was silent for so long is pinged, and given up. */
export const PING_AFTER_MS = 15_000
export const GIVE_UP_AFTER_MS = 30_000
/** How often sockets and circuits are looked at. */
export const SWEEP_MS = 2500

/** Circuits of one client; it may be told of as many members. */
export const MAX_CIRCUITS_EACH = 64
export const MAX_CIRCUITS = 2000
/** Time until both ends of a lane are there. */
export const PAIR_MS = 10_000
/** Content that waits for one lane to take it: reading pauses at the upper mark and goes on below the lower one. */
export const LANE_HIGH_BYTES = 128 * 1024
export const LANE_LOW_BYTES = 32 * 1024

/** Least time between two lookups of one client, and lookups at once in total. */
export const LOOK_MS = 3000
export const MAX_LOOKUPS = 16
/** The longest lookup. */
export const LOOKUP_MS = 20_000
/** Connections into the DHT that are being made: of one client, and in total. */
export const MAX_DIALS_EACH = 8
export const MAX_DIALS = 64
/** Time for a connection into the DHT, with its handshake at the client. */
export const DIAL_MS = 25_000
/**
 * Content from the DHT that waits for one client, and for all. UDX acknowledges whatever arrives and can't be told to
 * wait, so a bridge whose client asks for more than this and then takes it too slowly is closed.
 */
export const MAX_BACKLOG_EACH = 64 * 1024 * 1024
export const MAX_BACKLOG = 128 * 1024 * 1024

/** Connections to the blind relay for UDP, pairs of one of them, and what one may say: a pairing takes 60 bytes. */
export const MAX_BLIND_SESSIONS = 128
export const MAX_BLIND_PAIRS_EACH = 16
export const BLIND_BURST_BYTES = 16 * 1024
export const BLIND_BYTES_PER_SECOND = 1024
