/** Places that are taken and given back: so many in all, and so many for each address, or whatever else they are for. */
export class Slots {
  readonly #all: number
  readonly #each: number
  readonly #taken = new Map<string, number>()
  #total = 0

  constructor(all: number, each: number) {
    this.#all = all
    this.#each = each
  }

  /** How many are taken. */
  get total(): number {
    return this.#total
  }

  get full(): boolean {
    return this.#total >= this.#all
  }

  /** @returns what gives it back, to be called as often as one likes; null if there are too many */
  take(whose: string): (() => void) | null {
    const taken = this.#taken.get(whose) ?? 0
    if (this.full || taken >= this.#each) return null
    this.#total++
    this.#taken.set(whose, taken + 1)
    let given = false
    return () => {
      if (given) return
      given = true
      this.#total--
      const left = (this.#taken.get(whose) ?? 1) - 1
      if (left === 0) this.#taken.delete(whose)
      else this.#taken.set(whose, left)
    }
  }
}
