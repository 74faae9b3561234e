import { isIPv6 } from 'node:net'
import { clockWrong } from './clock.js'
import {
  type Evidence,
  NEXT_DOOR_MS,
  type RefusalRace,
  type RelayFacts,
  relayWorks,
  type TcpAttempt,
  type UdpOutcome,
  WEB_PORTS
} from './evidence.js'

/** What the evidence says about one way out. */
export type Answer = 'yes' | 'no' | 'unknown'

/** The ways out of a network, as far as the evidence tells. */
export interface Reading {
  /** UDP to the DHT. */
  udp: Answer
  /** TCP to the ports of the web, 80 and 443. */
  web: Answer
  /** TCP to other ports. */
  other: Answer
  /** The web proxy. */
  proxy: Answer
  names: Answer
  /** A relay can be used, directly or through the proxy. */
  relay: boolean
  /** Nothing outside this network was there to be asked. */
  nobodyAsked: boolean
  /** This computer, or its router, has no way out of its own network: of all packets, or of those of which it was heard. */
  noRoute: Answer
  /** Packets to a server that is known to listen get lost. One that refuses may just not be running. */
  serverSilent: boolean
}

/**
 * When one refusal takes so many times longer than the other, they come from different places. Next door many tries
 * were made, so that little is enough; from afar there are only a few, and times vary.
 */
const NEXT_DOOR_RATIO = 1.05
const FAR_RATIO = 1.3
/** Refusals of hosts whose distances differ by this much cannot come from one firewall. */
const SPREAD_MS = 8

export function read(evidence: Evidence): Reading {
  const attempts = (evidence.tcp.facts?.attempts ?? []).filter(({ outcome }) => outcome !== 'no-address')
  const nodes = evidence.udp.facts?.nodes ?? []
  const { web, other } = readTcp(evidence, attempts)
  const relay = evidence.relays.some(relayWorks)
  const ways = [...attempts, ...nodes]
  return {
    udp: readUdp(nodes.map(({ outcome }) => outcome)),
    web,
    other,
    proxy: readProxy(evidence),
    names: readNames(evidence),
    relay,
    nobodyAsked: !evidence.tcp.facts && !evidence.udp.facts && evidence.relays.length === 0,
    noRoute: readNoRoute(ways.filter(({ host }) => !isIPv6(host)).map(({ outcome }) => outcome)),
    serverSilent: attempts.some(({ listens, outcome }) => listens && (outcome === 'silent' || outcome === 'prohibited'))
  }
}

/** Relays that dat cannot use, but for those of which a warning about certificates or the clock says why. */
export function deadRelays(evidence: Evidence): RelayFacts[] {
  const late = clockWrong(evidence)
  return evidence.relays.flatMap((relay) => {
    const { facts } = relay
    if (!facts || relayWorks(relay)) return []
    return facts.resignedBy !== null || (late && facts.certificateTime) ? [] : [facts]
  })
}

/** A router says so for a few packets a second only, so silence beside it says nothing else. */
function readNoRoute(outcomes: readonly (TcpAttempt['outcome'] | UdpOutcome)[]): Answer {
  if (!outcomes.includes('no-route')) return 'no'
  if (outcomes.every((outcome) => outcome === 'no-route')) return 'yes'
  return outcomes.every((outcome) => outcome === 'no-route' || outcome === 'silent') ? 'unknown' : 'no'
}

/** Whether names of the world can be looked up: not where the proxy finds servers that the name server denies. */
function readNames({ names, relays, proxy }: Evidence): Answer {
  if (!names.facts) return 'unknown'
  const denied = new Set(names.facts.asked.flatMap(({ name, address }) => (address === null ? [name] : [])))
  const found = [
    ...relays.flatMap(({ facts }) => (facts?.proxied?.outcome === 'works' ? [facts.host] : [])),
    ...(proxy.facts?.connects ?? []).flatMap(({ host, outcome }) => (outcome === 'open' ? [host] : []))
  ]
  return names.facts.answered && !found.some((host) => denied.has(host)) ? 'yes' : 'no'
}

function readUdp(outcomes: readonly UdpOutcome[]): Answer {
  if (outcomes.includes('answered')) return 'yes'
  if (outcomes.length === 0) return 'unknown'
  // "Port unreachable" is also what a computer says whose DHT node is not running.
  if (outcomes.every((outcome) => outcome === 'refused')) return 'unknown'
  if (outcomes.some((outcome) => outcome === 'prohibited' || outcome === 'no-route')) return 'no'
  // A single silent node may be down.
  return outcomes.length > 1 ? 'no' : 'unknown'
}

function readProxy({ proxy, relays }: Evidence): Answer {
  if (relays.some(({ facts }) => facts?.proxied?.outcome === 'works')) return 'yes'
  const connects = proxy.facts?.connects ?? []
  if (connects.some(({ outcome }) => outcome === 'open' || outcome === 'password')) return 'yes'
  // It tried and failed: with a server that listens that is a "no", with others there may just be nobody.
  if (connects.some(({ outcome, listens }) => outcome === 'tried' && !listens)) return 'yes'
  const clear = connects.filter(({ outcome }) => outcome !== 'silent')
  return connects.length > 0 && clear.length === connects.length ? 'no' : 'unknown'
}

/**
 * TCP out, by kind of port. The hard part is a refusal: by the other computer (so it gets out), or by a firewall?
 * First what is plain, then where the refusals come from, and only at last how the firewall behaves elsewhere.
 */
function readTcp(evidence: Evidence, attempts: readonly TcpAttempt[]): { web: Answer; other: Answer } {
  const isWeb = ({ port }: TcpAttempt) => WEB_PORTS.includes(port)
  const [webs, others] = [attempts.filter(isWeb), attempts.filter((one) => !isWeb(one))]
  let web = plain(webs, evidence)
  let other = plain(others, evidence)
  const races = evidence.tcp.facts?.races ?? []
  if (races.length > 0) {
    const nearer = race(races)
    if (nearer === 'other' && web !== 'no') [web, other] = ['yes', other === 'yes' ? 'yes' : 'no']
    else if (nearer === 'web' && other !== 'no') [web, other] = [web === 'yes' ? 'yes' : 'no', 'yes']
    // Both refusals come from the same place: what one says, the other says.
    else if (nearer === 'none' && web !== 'unknown' && other === 'unknown') other = web
    else if (nearer === 'none' && other !== 'unknown' && web === 'unknown') web = other
  }
  if (web === 'unknown' && other !== 'no' && fromAfar(webs, evidence)) web = 'yes'
  if (other === 'unknown' && web !== 'no' && fromAfar(others, evidence)) other = 'yes'
  if (web === 'yes' && other === 'unknown' && sameHostSilent(webs, others)) other = 'no'
  return { web, other }
}

/** What attempts at one kind of port say by themselves. */
function plain(attempts: readonly TcpAttempt[], evidence: Evidence): Answer {
  if (attempts.length === 0) return 'unknown'
  const has = (outcome: TcpAttempt['outcome']) => attempts.some((one) => one.outcome === outcome)
  if (has('connected')) return 'yes'
  if (has('refused')) {
    // A server that the proxy reaches is there: who refuses in its name is a firewall.
    const refused = attempts.filter(({ outcome }) => outcome === 'refused')
    return refused.some(({ host, port }) => alive(host, port, evidence)) ? 'no' : 'unknown'
  }
  const hosts = new Set(attempts.map(({ host }) => host)).size
  // Of a single computer that is switched off the router before it says "prohibited", too.
  const barred = attempts.every(({ outcome }) => outcome === 'prohibited' || outcome === 'no-route')
  if (barred && (hosts > 1 || attempts.every(({ outcome }) => outcome === 'no-route'))) return 'no'
  // Silent hosts may be silent by themselves; a server that listens is not, but one may be down.
  const silentServers = attempts.filter(({ listens }) => listens).length
  return silentServers > 0 && hosts > 1 ? 'no' : 'unknown'
}

/** Whether the server was reached through the proxy. */
function alive(host: string, port: number, { relays, proxy }: Evidence): boolean {
  const here = (one: { host: string; port: number }) => one.host === host && one.port === port
  if (relays.some(({ facts }) => facts && here(facts) && facts.proxied?.outcome === 'works')) return true
  return proxy.facts?.connects.some((one) => here(one) && one.outcome === 'open') === true
}

/** Whether refusals come from the hosts that were asked, judged by what the firewall does with everything else. */
function fromAfar(attempts: readonly TcpAttempt[], { tcp, udp, names }: Evidence): boolean {
  const refused = attempts.filter(({ outcome }) => outcome === 'refused')
  const first = refused[0]
  if (!first) return false
  const nodes = udp.facts?.nodes ?? []
  if (nodes.some(({ outcome }) => outcome === 'answered')) return true
  const webPort = WEB_PORTS.includes(first.port)
  const times = (tcp.facts?.races ?? []).map(({ webMs, otherMs }) => (webPort ? webMs : otherMs))
  if (times.length > 1 && Math.max(...times) - Math.min(...times) > SPREAD_MS) return true
  // A firewall has one style: where others are met with silence, a refusal is an answer from afar. Routers send few
  // ICMP messages, so silence over UDP counts only where something else gets out.
  const refusing = new Set(refused.map(({ host }) => host))
  if (tcp.facts?.attempts.some(({ host, outcome }) => outcome === 'silent' && refusing.has(host))) return true
  return names.facts?.answered !== false && nodes.length > 0 && nodes.every(({ outcome }) => outcome === 'silent')
}

/** Which kind of port is refused from nearer by, over all hosts. */
function race(races: readonly RefusalRace[]): 'web' | 'other' | 'none' {
  const ratio = Math.exp(races.reduce((sum, one) => sum + Math.log(one.ratio), 0) / races.length)
  const nextDoor = races.some(({ webMs, otherMs }) => Math.min(webMs, otherMs) < NEXT_DOOR_MS)
  if (ratio > (nextDoor ? NEXT_DOOR_RATIO : FAR_RATIO)) return 'other'
  // No firewall closes the ports of the web first: here only a great difference counts.
  return ratio < 1 / FAR_RATIO ? 'web' : 'none'
}

/** A host that is reached at a web port and is silent at another: the other port is blocked, not the host down. */
function sameHostSilent(webs: readonly TcpAttempt[], others: readonly TcpAttempt[]): boolean {
  const reached = new Set(webs.filter(({ outcome }) => /connected|refused/.test(outcome)).map(({ host }) => host))
  return others.some(({ host, outcome }) => reached.has(host) && /silent|prohibited/.test(outcome))
}
