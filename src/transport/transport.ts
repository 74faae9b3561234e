import type { Duplex } from 'streamx'
import type { Report, Route } from '../base/events.js'
import type { Outlook } from './outlook.js'

/** A Noise-encrypted duplex as `@hyperswarm/secret-stream` makes it: what every transport yields. */
export interface NoiseStream extends Duplex {
  readonly isInitiator: boolean
  readonly publicKey: Buffer
  readonly remotePublicKey: Buffer
  readonly handshakeHash: Buffer
  readonly rawStream: Duplex
  readonly noiseStream: NoiseStream
  readonly opened: Promise<boolean>
  readonly rawBytesRead: number
  readonly rawBytesWritten: number
  userData: unknown
  keepAlive: number
  setKeepAlive(ms: number): void
  setTimeout(ms: number): void
  /** Sends an empty message, which the other end swallows. */
  sendKeepAlive(): void
}

export interface KeyPair {
  publicKey: Buffer
  secretKey: Buffer
}

export interface HostPort {
  host: string
  port: number
}

/** How relays are reached. */
export interface RelayAccess {
  /** The proxy for a URL, with user and password if it wants them; null for none. */
  proxyFor: (url: string) => string | null
  /** Certificates in PEM to trust beside the system's own (`--relay-ca`). */
  ca: string | null
}

/** Limits in bytes per second; null for none. */
export interface Limits {
  up: number | null
  down: number | null
}

/** Where to look for peers. Nothing is sent anywhere but to what is named here. */
export interface NetworkOptions {
  /** Join the DHT at all (`--no-dht`, `--bootstrap none`). */
  dht: boolean
  /** Nodes of a private DHT; null for the public one. */
  bootstrap: HostPort[] | null
  /** Announce and look on the local network by multicast DNS (`--no-lan`). */
  lan: boolean
  /** Address of the one interface to use for the local network; null for all. `127.0.0.1` keeps it on this machine. */
  lanInterface: string | null
  /** Accept direct TCP here (`--listen [HOST:]PORT`); port 0 picks a free one. */
  listen: HostPort | null
  /** `host:port` addresses to dial directly (`--peer`, and those in the link). */
  peers: string[]
  /** URLs of relays, as `parseRelay` writes them (`--relay`, and those in the link). */
  relays?: string[]
  /** How to get to relays; directly, with the system's certificates, when left out. */
  relayAccess?: RelayAccess
  /** For all streams together (`--limit-up`, `--limit-down`); none when left out. */
  limits?: Limits
}

/** A stream that has proved itself: its handshake is complete and data arrived through it. */
export interface Candidate {
  stream: NoiseStream
  route: Route
  /** `host:port` of the other end. */
  address: string
}

/** A peer and the stream that is in use for it now. */
export interface Peer {
  /** Short and harmless: fit for logs and events. */
  id: string
  publicKey: Buffer
  route: Route
  address: string
  stream: NoiseStream
}

export interface ConnectOptions extends NetworkOptions {
  /** The discovery key: a hash of the link's key, which names the share without giving it away. */
  topic: Buffer
  report: Report
  /** Called for each stream that becomes the one in use for its peer: a new peer, a reconnection, a better route. */
  onpeer: (peer: Peer, network: Network) => void
  /** The longest message that a peer may send, in bytes; as long as the format has it when left out. */
  longestMessage?: number
  /**
   * False while no UDP from a peer gets through our firewall and no hole can be punched into it. For tests: on one
   * machine there is nothing in the way.
   */
  punch?: () => boolean
}

export interface Network {
  /** Peers with a live stream, by public key in hex. */
  readonly peers: ReadonlyMap<string, Peer>
  /** `host:port` addresses that other computers can dial, for the link; known once `connect` resolved. */
  readonly listening: string[]
  /** What the search for peers has come to so far. */
  readonly outlook: Outlook
  /** Bytes that have arrived through the streams that are open now, those of unfinished messages included. */
  readonly heard: number
  /** Sends through one stream no faster than this; null takes that back. @param rate in bytes per second */
  pace(stream: NoiseStream, rate: number | null): void
  /**
   * The other end of this stream has proved that it knows the secret behind the topic. Until then it is a stranger, who
   * may send little, and is sent away after a while.
   */
  trust(stream: NoiseStream): void
  /** Dials everyone again now, without waiting for the backoff. */
  refresh(): void
  close(): Promise<void>
}
