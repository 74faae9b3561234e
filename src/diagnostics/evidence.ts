/**
 * What the probes found out. Facts only: what they mean is the business of `reading` and `verdicts`. What is not known
 * is null, an empty list or `unknown`; it never looks like a "no".
 */

/** How a probe came out. `skipped`: there was nothing to ask, or no need to. */
export type ProbeStatus = 'ok' | 'fail' | 'unknown' | 'skipped'

/** One probe's result: a line for people, and the facts behind it. */
export interface Finding<Facts> {
  id: string
  status: ProbeStatus
  summary: string
  /** null when the probe could not find out anything. */
  facts: Facts | null
  ms: number
}

export interface SystemFacts {
  version: string
  node: string
  platform: string
  /** Names of the proxy variables that are set, with their values; passwords are hidden. */
  proxies: Record<string, string>
  /** Folders that can be watched for changes (Linux); null elsewhere. */
  inotifyWatches: number | null
  /** Open files allowed for this process; null where it cannot be read. */
  openFiles: number | null
  /** Free bytes on the disk of the current folder; null where it cannot be read. */
  freeBytes: number | null
}

export interface AddressFacts {
  /** Addresses that others could use: neither loopback nor link-local. */
  ipv4: string[]
  ipv6: string[]
  /** Connected, but with no other address than those that computers give themselves: two laptops and a cable. */
  linkLocal: boolean
  /** Names of interfaces that look like a VPN. */
  vpn: string[]
}

export interface NameFacts {
  asked: { name: string; address: string | null; code: string }[]
  /** Whether a name server answered at all, even with "no such name". */
  answered: boolean
}

/**
 * How a TCP connection began. `refused` comes from the other computer or from a firewall, `silent` is a time-out,
 * `prohibited` an ICMP message or an own firewall, `no-route` this computer's own routing table.
 */
export type TcpOutcome = 'connected' | 'refused' | 'silent' | 'prohibited' | 'no-route' | 'no-address'

export interface TcpAttempt {
  host: string
  port: number
  /** A server is known to listen there: a relay, or what `--web` names. */
  listens: boolean
  outcome: TcpOutcome
  /** Milliseconds until the outcome. */
  ms: number
}

/** The quickest refusals of one host, on a web port and on another: equally quick ones come from the same place. */
export interface RefusalRace {
  host: string
  webMs: number
  otherMs: number
  /** How many times longer the web port takes. */
  ratio: number
}

export interface TcpFacts {
  attempts: TcpAttempt[]
  races: RefusalRace[]
  /** Servers of `--web` whose certificate was made by somebody else. */
  resigned: { host: string; by: string }[]
}

/** What came back from a DHT node over UDP. `refused` is an ICMP "port unreachable", `prohibited` any other ICMP. */
export type UdpOutcome = 'answered' | 'refused' | 'prohibited' | 'no-route' | 'silent'

export interface UdpFacts {
  nodes: { host: string; port: number; outcome: UdpOutcome; ms: number }[]
  /** Nodes whose name could not be looked up, so that they could not be asked. */
  nameless: string[]
}

export interface NatFacts {
  /** This computer's address as DHT nodes see it; null while unknown or contradictory. */
  publicAddress: string | null
  /** The address belongs to this computer: no NAT in between. */
  own: boolean
  /** A different port for each destination. null: too few nodes were asked to tell. */
  randomized: boolean | null
  samples: number
}

export interface InboundFacts {
  /** Nodes that were asked to send a packet to a port that had never sent one to them, and how many came through. */
  asked: number
  arrived: number
}

export interface LanFacts {
  interfaces: { address: string; heard: boolean }[]
}

/**
 * What a CONNECT came to: `open` (200), `tried` (the proxy allows it but found nobody there), `password` (407),
 * `forbidden` (another answer), `silent` (the proxy took the request and did not answer), `dead` (no proxy there).
 */
export type ConnectOutcome = 'open' | 'tried' | 'password' | 'forbidden' | 'silent' | 'dead'

export interface ProxyFacts {
  /** Host and port of the proxy, without login. */
  proxy: string
  connects: { host: string; port: number; listens: boolean; outcome: ConnectOutcome; status: number | null }[]
  /** The `Date` that the proxy sent, as the difference to this clock in milliseconds (positive: this clock is late). */
  clockOff: number | null
}

export interface RelayPath {
  /** `works`, or the step that failed. */
  outcome: 'works' | 'connect' | 'tls' | 'http' | 'upgrade'
  reason: string
  /** Milliseconds for a request and its answer on the open connection; null where it did not come so far. */
  roundTrip: number | null
}

export interface RelayFacts {
  url: string
  host: string
  port: number
  direct: RelayPath
  /** null: no proxy is named for it. */
  proxied: RelayPath | null
  /** Who signed the certificate, when it is nobody that this computer trusts or a known inspecting firewall. */
  resignedBy: string | null
  /** The certificate is valid only at another time than this computer's clock shows. */
  certificateTime: boolean
  clockOff: number | null
}

/** Everything that was found, in one value. */
export interface Evidence {
  system: Finding<SystemFacts>
  addresses: Finding<AddressFacts>
  names: Finding<NameFacts>
  tcp: Finding<TcpFacts>
  udp: Finding<UdpFacts>
  nat: Finding<NatFacts>
  inbound: Finding<InboundFacts>
  lan: Finding<LanFacts>
  proxy: Finding<ProxyFacts>
  relays: Finding<RelayFacts>[]
  /** How many milliseconds this clock is late by the clocks of relays and the proxy. */
  clocks: { host: string; off: number }[]
}

/** Who answers in less than so many milliseconds is in this building. */
export const NEXT_DOOR_MS = 2

/** Ports that "web only" networks let out. */
export const WEB_PORTS: readonly number[] = [80, 443]

/** Whether dat can use a relay. Where a proxy is named for it, dat goes no other way. */
export function relayWorks({ facts }: Finding<RelayFacts>): boolean {
  return facts !== null && (facts.proxied ?? facts.direct).outcome === 'works'
}
