import type { Budget } from './budget.js'
import { MAX_CIRCUITS, MAX_CIRCUITS_EACH } from './limits.js'
import { PairCircuit } from './pair-circuit.js'
import { type Circuit, type CircuitEnd, createEnd, type Party } from './party.js'
import { Toll } from './toll.js'
import type { Visitor } from './visitor.js'

export interface CircuitsOptions {
  lanes: number
  idleMs: number
  /** The rate of all clients together. */
  budget: Budget
}

/** All circuits of the relay. */
export class Circuits {
  readonly #options: CircuitsOptions
  readonly #circuits = new Set<Circuit>()
  /** By token in hex. */
  readonly #ends = new Map<string, { circuit: Circuit; end: CircuitEnd }>()
  #bytes = 0

  constructor(options: CircuitsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#circuits.size
  }

  /** Bytes that were passed on, since the start. */
  get bytes(): number {
    return this.#bytes
  }

  get lanes(): number {
    return this.#options.lanes
  }

  /** Makes a circuit between two members. An older one of the same pair is lost to who asks, and so to both. */
  connect(asking: Party, asked: Party): void {
    for (const circuit of asking.circuits) {
      if (circuit.ends.some(({ party }) => party === asked)) circuit.close('a new circuit replaces this one')
    }
    if (!this.hasRoom(asking) || !this.hasRoom(asked)) {
      asking.say({ type: 'failed', key: asked.key, circuit: null, message: 'there are too many connections already' })
      return
    }
    const ends = [createEnd(asking), createEnd(asked)] as const
    const circuit = new PairCircuit(ends, this.toll(asking, asked), () => this.remove(circuit))
    this.add(circuit)
    for (const [i, { party, token }] of ends.entries()) {
      const key = ends[1 - i]?.party.key as Buffer
      party.say({ type: 'circuit', circuit: token, key, initiator: i === 0, bridge: false })
    }
  }

  hasRoom(party: Party): boolean {
    return this.#circuits.size < MAX_CIRCUITS && party.circuits.size < MAX_CIRCUITS_EACH
  }

  toll(...parties: Party[]): Toll {
    return new Toll([...parties.map(({ budget }) => budget), this.#options.budget], (bytes) => {
      this.#bytes += bytes
    })
  }

  add(circuit: Circuit): void {
    this.#circuits.add(circuit)
    for (const end of circuit.ends) {
      this.#ends.set(end.token.toString('hex'), { circuit, end })
      end.party.circuits.add(circuit)
    }
  }

  remove(circuit: Circuit): void {
    this.#circuits.delete(circuit)
    for (const { token, party } of circuit.ends) {
      this.#ends.delete(token.toString('hex'))
      party.circuits.delete(circuit)
    }
  }

  /** Takes a lane socket. @returns false if there is no such circuit, or it has no such lane */
  attach(visitor: Visitor, token: Buffer, lane: number): boolean {
    const found = this.#ends.get(token.toString('hex'))
    if (!found || lane >= this.#options.lanes) return false
    found.circuit.attach(found.end, lane, visitor)
    return true
  }

  /** The circuit of this client that it calls so. */
  find(party: Party, token: Buffer): Circuit | null {
    const found = this.#ends.get(token.toString('hex'))
    return found && found.end.party === party ? found.circuit : null
  }

  /** Closes what was not used for a while. */
  sweep(now: number): void {
    for (const circuit of this.#circuits) {
      if (now - circuit.usedAt > this.#options.idleMs) circuit.close('nothing came through for too long')
    }
  }

  /** A client is gone. */
  leave(party: Party): void {
    for (const circuit of party.circuits) circuit.close('the other end is gone')
  }
}
