import { LANE_HIGH_BYTES, LANE_LOW_BYTES } from './limits.js'
import type { Toll } from './toll.js'
import type { Visitor } from './visitor.js'

/** Passes what one lane socket sends on to its partner, and reads it no faster than the partner and the rates allow. */
export class Pump {
  readonly #from: Visitor
  readonly #to: Visitor
  readonly #toll: Toll
  #slow = false
  #timer: NodeJS.Timeout | undefined

  constructor(from: Visitor, to: Visitor, toll: Toll) {
    this.#from = from
    this.#to = to
    this.#toll = toll
  }

  pass(data: Buffer): void {
    this.#to.pass(data, this.#onsent)
    if (!this.#slow && this.#to.buffered > LANE_HIGH_BYTES) {
      this.#slow = true
      this.#from.hold()
    }
    const wait = this.#toll.pay(data.byteLength)
    if (wait === 0 || this.#timer) return
    this.#from.hold()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#from.release()
    }, wait)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #onsent = (): void => {
    if (!this.#slow || this.#to.buffered > LANE_LOW_BYTES) return
    this.#slow = false
    this.#from.release()
  }
}
