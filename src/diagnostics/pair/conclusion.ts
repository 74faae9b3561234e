import { isIPv4 } from 'node:net'
import { EXIT } from '../../base/errors.js'
import type { Route } from '../../base/events.js'
import type { VerdictCode } from '../advice.js'
import type { Answer } from '../reading.js'
import { type Place, ROUTES, type RouteResult, type Why } from './result.js'
import type { Side } from './side.js'

/** What is to be expected of one route. */
export interface Chance {
  answer: Answer
  /** What stands in the way, or probably does where the answer is not known; null where nothing does. */
  why: Why | null
}

/** What the two networks allow together. */
export interface Conclusion {
  /** The route that dat takes between the two; `none`: they cannot reach each other. */
  route: Route | 'none'
  /** What it begins with, where the better route takes longer to find than this one; null elsewhere. */
  begins: 'relay' | null
  /** False where not everything was known, and nothing was tried. */
  certain: boolean
  /** Why there is nothing better than that route; null where nothing better is missed. */
  why: Why | null
  /** Whose network it is. */
  obstacle: Place
  /** The side at which `dat share --listen` would give a direct way that there is not without it. */
  listenAt: 'here' | 'there' | null
  /** 0, 20 (only through a relay) or 21 (not at all). */
  exitCode: number
}

/**
 * Which route dat takes between two computers, and whose network stands in the way of a better one: a pure function of
 * what both know, and of what was tried, if anything was.
 */
export function conclude(here: Side, there: Side, tried: readonly RouteResult[] = []): Conclusion {
  const chances = ROUTES.map((route) => ({ route, ...settled(route, here, there, tried) }))
  const usable = chances.filter(({ route }) => route !== 'tcp' || here.listens || there.listens)
  const best = usable.find(({ answer }) => answer === 'yes') ?? usable.find(({ answer }) => answer === 'unknown')
  const route = best?.route ?? 'none'
  const why = route === 'none' ? whyNone(here, there, chances) : route === 'relay' ? whyNot('direct', chances) : null
  const slow = route === 'direct' && (here.randomized === 'yes' || there.randomized === 'yes')
  const relayed = chances.some((one) => one.route === 'relay' && one.answer === 'yes')
  return {
    route,
    // Through a NAT with a new port for each destination a hole takes luck, while a relay is there at once.
    begins: slow && relayed ? 'relay' : null,
    certain: best?.answer !== 'unknown' && here.certain && there.certain,
    why,
    obstacle: why?.place ?? 'nowhere',
    listenAt: route === 'relay' || route === 'none' ? listenAt(here, there, tried) : null,
    exitCode: route === 'none' ? EXIT.blocked : route === 'relay' ? EXIT.relayOnly : EXIT.done
  }
}

/** What can be expected of a route before it is tried. */
export function expect(route: Route, here: Side, there: Side): Chance {
  switch (route) {
    case 'lan':
      return expectLan(here, there)
    case 'tcp':
      return expectTcp(here, there)
    case 'direct':
      return expectDirect(here, there)
    case 'relay':
      return expectRelay(here, there)
  }
}

/** A trial says more than any expectation. */
function settled(route: Route, here: Side, there: Side, tried: readonly RouteResult[]): Chance {
  const expected = expect(route, here, there)
  const trial = tried.find((one) => one.route === route)
  if (!trial || trial.outcome === 'skipped') return expected
  return trial.outcome === 'works' ? yes : { answer: 'no', why: trial.why ?? expected.why }
}

/** Networks out of which nothing gets. */
const SHUT: ReadonlySet<VerdictCode> = new Set(['blocked', 'offline', 'lan-only'])

const yes: Chance = { answer: 'yes', why: null }
const unknown: Chance = { answer: 'unknown', why: null }

function no(code: Why['code'], place: Place): Chance {
  return { answer: 'no', why: { code, place } }
}

function expectLan(here: Side, there: Side): Chance {
  const off = placeOf(!here.lan, !there.lan)
  if (off !== 'nowhere') return no('off', off)
  if (!neighbours(here, there)) return no('elsewhere', 'nowhere')
  const deaf = placeOf(here.multicast === 'no', there.multicast === 'no')
  if (deaf !== 'nowhere') return no('multicast', deaf)
  return here.multicast === 'yes' && there.multicast === 'yes' ? yes : unknown
}

/** Addresses of one network, unless the internet sees the two at different addresses: many homes are 192.168.1.x. */
function neighbours(here: Side, there: Side): boolean {
  const apart =
    here.publicAddress !== null && there.publicAddress !== null && here.publicAddress !== there.publicAddress
  const theirs = new Set(there.addresses.map(networkOf))
  const shared = here.addresses.some((address) => theirs.has(networkOf(address)))
  return shared && (!apart || here.addresses.some((address) => there.addresses.includes(address)))
}

/** The network of an address, of the usual size: /24, or /64 for IPv6. */
function networkOf(address: string): string {
  if (isIPv4(address)) return address.split('.').slice(0, 3).join('.')
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head.split(':')
  while (tail !== undefined && groups.length < 4) groups.push('0')
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '') || '0')
    .join(':')
}

function expectTcp(here: Side, there: Side): Chance {
  if (here.listening.length + there.listening.length === 0) return no('off', 'both')
  if (neighbours(here, there)) return unknown
  if (here.inbound === 'yes' && there.other === 'yes') return yes
  if (there.inbound === 'yes' && here.other === 'yes') return yes
  return unknown
}

function expectDirect(here: Side, there: Side): Chance {
  const off = placeOf(!here.dht, !there.dht)
  if (off !== 'nowhere') return no('off', off)
  const mute = placeOf(here.udp === 'no', there.udp === 'no')
  if (mute !== 'nowhere') return no('no-udp', mute)
  if (here.randomized === 'yes' && there.randomized === 'yes') return no('symmetric', 'both')
  const doubtful = placeOf(here.udp !== 'yes', there.udp !== 'yes')
  return doubtful === 'nowhere' ? yes : { answer: 'unknown', why: { code: 'no-udp', place: doubtful } }
}

function expectRelay(here: Side, there: Side): Chance {
  if (here.relays.length + there.relays.length === 0) return no('no-relay', 'both')
  const mine = reaches(here, there)
  const theirs = reaches(there, here)
  const far = placeOf(mine === 'no', theirs === 'no')
  if (far === 'both' || (far !== 'nowhere' && !canBeFetched(far === 'here' ? here : there))) {
    return no('relay-unreachable', far)
  }
  return mine === 'unknown' || theirs === 'unknown' ? unknown : yes
}

/** Whether a side gets to a relay: one of its own, or one that it learns from the other, as from a link. */
function reaches(side: Side, other: Side): Answer {
  const own = side.relays.map(({ works }) => works)
  if (own.includes('yes')) return 'yes'
  const learned = other.relays.filter(
    ({ url, works }) => works === 'yes' && !side.relays.some((one) => one.url === url)
  )
  if (learned.length > 0) {
    if (side.certain && SHUT.has(side.verdict)) return 'no'
    if (side.web === 'yes' || side.proxy === 'yes') return 'yes'
    return side.web === 'no' ? 'no' : 'unknown'
  }
  return own.includes('unknown') ? 'unknown' : 'no'
}

/** A relay can reach over UDP, through the DHT, who cannot reach it. */
function canBeFetched({ udp, dht }: Side): boolean {
  return dht && udp === 'yes'
}

type Chances = readonly ({ route: Route } & Chance)[]

function whyNot(route: Route, chances: Chances): Why | null {
  return chances.find((one) => one.route === route)?.why ?? null
}

/** Where a relay is named, who cannot reach it is the obstacle; where there is none, who cannot be met directly. */
function whyNone(here: Side, there: Side, chances: Chances): Why | null {
  const relay = whyNot('relay', chances)
  const named = here.relays.length + there.relays.length > 0
  return named ? relay : (whyNot('direct', chances) ?? relay)
}

function listenAt(here: Side, there: Side, tried: readonly RouteResult[]): 'here' | 'there' | null {
  const trial = tried.find(({ route }) => route === 'tcp')
  if (trial?.outcome === 'failed') return null
  if (!here.listens && here.inbound === 'yes' && there.other === 'yes') return 'here'
  if (!there.listens && there.inbound === 'yes' && here.other === 'yes') return 'there'
  return null
}

function placeOf(here: boolean, there: boolean): Place {
  return here ? (there ? 'both' : 'here') : there ? 'there' : 'nowhere'
}
