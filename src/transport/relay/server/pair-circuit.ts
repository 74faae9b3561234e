import { PAIR_MS } from './limits.js'
import type { Circuit, CircuitEnd } from './party.js'
import { Pump } from './pump.js'
import type { Toll } from './toll.js'
import { CLOSE, type Visitor } from './visitor.js'

/** From the first lane that is closed to the end of all. */
const PART_MS = 3000

/** The sockets of one lane, one at each end. */
interface LanePair {
  visitors: [Visitor | null, Visitor | null]
  /** From each end; null until both are there. */
  pumps: [Pump, Pump] | null
  timer: NodeJS.Timeout | undefined
}

/** A circuit between two clients: passes messages on between the sockets of each lane. */
export class PairCircuit implements Circuit {
  readonly ends: readonly [CircuitEnd, CircuitEnd]
  readonly #toll: Toll
  readonly #onclose: () => void
  readonly #lanes = new Map<number, LanePair>()
  readonly #timer: NodeJS.Timeout
  /** Runs once a lane was closed. */
  #ending: NodeJS.Timeout | undefined
  #usedAt = performance.now()
  #closed = false

  constructor(ends: readonly [CircuitEnd, CircuitEnd], toll: Toll, onclose: () => void) {
    this.ends = ends
    this.#toll = toll
    this.#onclose = onclose
    this.#timer = setTimeout(() => this.close('the other end did not come'), PAIR_MS)
  }

  get usedAt(): number {
    return this.#usedAt
  }

  attach(end: CircuitEnd, lane: number, visitor: Visitor): void {
    const side = end === this.ends[0] ? 0 : 1
    const pair = this.#lanes.get(lane) ?? this.#open(lane)
    if (pair.visitors[side]) {
      visitor.close(CLOSE.policy, 'this lane is in use')
      return
    }
    pair.visitors[side] = visitor
    visitor.handle({
      onmessage: () => visitor.close(CLOSE.protocol, 'a lane carries content only'),
      onbinary: (data) => {
        this.#usedAt = performance.now()
        if (pair.pumps) pair.pumps[side].pass(data)
        else visitor.close(CLOSE.protocol, 'the other end is not there yet')
      },
      onclose: () => this.#left(lane, pair, side)
    })
    const [first, second] = pair.visitors
    if (first && second) this.#join(lane, pair, first, second)
  }

  close(message: string): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#ending)
    for (const pair of this.#lanes.values()) this.#shut(pair)
    this.#lanes.clear()
    this.#onclose()
    for (const [i, { party, token }] of this.ends.entries()) {
      party.say({ type: 'failed', key: this.ends[i === 0 ? 1 : 0].party.key, circuit: token, message })
    }
  }

  #open(lane: number): LanePair {
    const pair: LanePair = { visitors: [null, null], pumps: null, timer: undefined }
    // Where one end can have fewer sockets than the other, the others wait in vain, and do no harm.
    pair.timer = setTimeout(() => {
      this.#lanes.delete(lane)
      this.#shut(pair)
    }, PAIR_MS)
    this.#lanes.set(lane, pair)
    return pair
  }

  #join(lane: number, pair: LanePair, first: Visitor, second: Visitor): void {
    clearTimeout(pair.timer)
    if (lane === 0) clearTimeout(this.#timer)
    this.#usedAt = performance.now()
    pair.pumps = [new Pump(first, second, this.#toll), new Pump(second, first, this.#toll)]
    for (const visitor of [first, second]) visitor.say({ type: 'paired' })
  }

  #left(lane: number, pair: LanePair, side: 0 | 1): void {
    pair.visitors[side] = null
    if (pair.pumps) this.#part(lane, pair, side)
    else if (!pair.visitors[0] && !pair.visitors[1]) {
      clearTimeout(pair.timer)
      this.#lanes.delete(lane)
    }
  }

  /** What the other lanes carry is still passed on: who is done closes them all, who lost one gives up the others. */
  #part(lane: number, pair: LanePair, side: 0 | 1): void {
    if (this.#closed) return
    pair.visitors[side === 0 ? 1 : 0]?.close(CLOSE.normal)
    if (!pair.visitors[0] && !pair.visitors[1]) {
      this.#shut(pair)
      this.#lanes.delete(lane)
    }
    if (this.#lanes.size === 0) this.close('the other end closed it')
    else this.#ending ??= setTimeout(() => this.close('the other end closed it'), PART_MS)
  }

  #shut(pair: LanePair): void {
    clearTimeout(pair.timer)
    for (const pump of pair.pumps ?? []) pump.close()
    for (const visitor of pair.visitors) visitor?.close(CLOSE.normal)
  }
}
