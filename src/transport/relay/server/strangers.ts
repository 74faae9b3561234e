import { MAX_STRANGERS, MAX_STRANGERS_EACH } from './limits.js'

/** Counts things by the address they come from. */
export class Tally {
  readonly #counts = new Map<string, number>()
  #total = 0

  get total(): number {
    return this.#total
  }

  of(group: string): number {
    return this.#counts.get(group) ?? 0
  }

  add(group: string): void {
    this.#total++
    this.#counts.set(group, this.of(group) + 1)
  }

  remove(group: string): void {
    const left = this.of(group) - 1
    this.#total--
    if (left > 0) this.#counts.set(group, left)
    else this.#counts.delete(group)
  }
}

/**
 * Sockets that have not said yet what they are for. Each has a few seconds; this bounds how many of them one address
 * can keep open by going slowly.
 */
export class Strangers {
  readonly #tally = new Tally()

  /** @returns a function that ends the counting, to be called as often as one likes; null if there are too many */
  admit(group: string): (() => void) | null {
    if (this.#tally.total >= MAX_STRANGERS || this.#tally.of(group) >= MAX_STRANGERS_EACH) return null
    this.#tally.add(group)
    let counted = true
    return () => {
      if (!counted) return
      counted = false
      this.#tally.remove(group)
    }
  }
}
