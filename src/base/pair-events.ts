import type { Route } from './route.js'

/** What the doctor says when it tests two computers against each other: types of events, as `events` has the others. */

/** Where something is, as seen from this computer. */
export type Place = 'here' | 'there' | 'both' | 'nowhere'

/**
 * Why a route does not work. `no-udp`: the network there lets none out; `symmetric`: both NATs take a new port for each
 * destination; `off`: not to be used, by an option; `elsewhere`: not in the same local network; `multicast`: a firewall
 * there blocks it; `no-relay`: none was named; `relay-unreachable`: no relay can be reached from there; `closed`: no
 * connection is let in there; `no-answer`: it was tried, and nothing came.
 */
export type WhyCode =
  | 'no-udp'
  | 'symmetric'
  | 'off'
  | 'elsewhere'
  | 'multicast'
  | 'no-relay'
  | 'relay-unreachable'
  | 'closed'
  | 'no-answer'

export interface Why {
  code: WhyCode
  place: Place
}

/** What was measured through one route. Rates in bytes per second, times in ms, losses as parts of one. */
export interface Figures {
  roundTrip: number | null
  /** From here to there. */
  up: number | null
  down: number | null
  /** Packets that had to be sent again; only known where the stream runs over UDP. */
  lossUp: number | null
  lossDown: number | null
}

export interface RouteResult extends Figures {
  route: Route
  /** `skipped`: what is known of the two networks leaves no chance. */
  outcome: 'works' | 'failed' | 'skipped'
  /** null where it works. */
  why: Why | null
  /** The same for people; '' where it works. */
  reason: string
  /** Until the first byte of the other computer was here, in ms. */
  firstByte: number | null
}

/**
 * Which route dat takes between the two (`none`: it cannot connect them), and with which one it `begins` where that is
 * another one. `here` and `there` are verdict codes.
 */
export interface PairResult {
  type: 'pair.result'
  route: Route | 'none'
  begins: Route | null
  obstacle: Place
  why: Why | null
  reason: string
  title: string
  advice: string[]
  here: string
  there: string
  routes: RouteResult[]
  exitCode: number
}

export type PairEvent =
  /** To be typed on the other computer: `command`, within so many seconds. `line` is for reading to each other. */
  | { type: 'pair.code'; code: string; command: string; seconds: number; line: string }
  /** The two computers have found each other, and both know the code. */
  | { type: 'pair.met'; peer: string; route: Route; address: string; ms: number }
  | ({ type: 'pair.route' } & RouteResult)
  | PairResult
  /**
   * Somebody serves the link that was asked about; `ms` until that was sure. `relay`: the host of a known relay which
   * has this address, null for none. Relays reach for others over UDP, and from here that looks like a direct way.
   */
  | {
      type: 'link.served'
      route: Route
      peer: string
      address: string
      relay: string | null
      ms: number
      version: number
    }
