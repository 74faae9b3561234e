import { randomBytes } from 'node:crypto'
import type { RelayMessage } from '../protocol.js'
import type { Budget } from './budget.js'
import type { Visitor } from './visitor.js'

/** A client, as far as circuits are concerned. */
export interface Party {
  /** What the client says that its public key is. */
  readonly key: Buffer
  /** The rate of the client, both directions together. */
  readonly budget: Budget
  readonly circuits: Set<Circuit>
  say(message: RelayMessage): void
}

/** A way through the relay, between two clients or from a client into the DHT. */
export interface Circuit {
  /** The clients at its ends, each with the secret by which it opens lanes. */
  readonly ends: readonly CircuitEnd[]
  /** When something went through it last, by `performance.now()`. */
  readonly usedAt: number
  /** Takes a lane socket of one end. */
  attach(end: CircuitEnd, lane: number, visitor: Visitor): void
  /** Closes all its lanes, and tells the clients why. */
  close(message: string): void
}

export interface CircuitEnd {
  readonly party: Party
  readonly token: Buffer
}

/** A client that has joined a topic. */
export interface Member extends Party {
  /** The relay's name for it, which others ask for it by. */
  readonly id: string
  readonly topic: Buffer
}

export function createEnd(party: Party): CircuitEnd {
  return { party, token: randomBytes(32) }
}
