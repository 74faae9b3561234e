/** Credit that an idle bucket gathers, in seconds of its rate: 2 % of ten seconds, and enough for a busy event loop. */
const CREDIT_SECONDS = 0.2
/** The longest timer between two looks, in milliseconds. */
const LONGEST_WAIT_MS = 1000

interface Turn {
  grant: () => void
}

/**
 * Bytes per second, for all who share the bucket together. Whoever wants to move bytes waits for a turn, and says
 * afterwards how many bytes it moved; that may be more than there is credit for, and those who come next wait for it.
 * Turns are given in the order in which they were asked for, so that nobody starves.
 */
export class TokenBucket {
  readonly rate: number
  readonly #turns = new Set<Turn>()
  #credit: number
  #at = performance.now()
  #timer: NodeJS.Timeout | undefined

  /** @param rate bytes per second */
  constructor(rate: number) {
    this.rate = rate
    this.#credit = rate * CREDIT_SECONDS
  }

  /** True when nobody is waiting and there is credit. */
  get free(): boolean {
    this.#refill()
    return this.#credit > 0 && this.#turns.size === 0
  }

  /** Takes bytes off the credit, which may become negative. */
  spend(bytes: number): void {
    this.#refill()
    this.#credit -= bytes
  }

  /**
   * Calls `grant` when it is this one's turn, never at once. It is to spend what it moves then.
   * @returns takes the request back
   */
  wait(grant: () => void): () => void {
    const turn = { grant }
    this.#turns.add(turn)
    this.#schedule()
    return () => {
      this.#turns.delete(turn)
    }
  }

  #refill(): void {
    const now = performance.now()
    const gained = ((now - this.#at) / 1000) * this.rate
    this.#at = now
    this.#credit = Math.min(this.#credit + gained, this.rate * CREDIT_SECONDS)
  }

  #schedule(): void {
    if (this.#timer || this.#turns.size === 0) return
    this.#refill()
    const wait = this.#credit > 0 ? 0 : Math.ceil((-this.#credit / this.rate) * 1000) + 1
    this.#timer = setTimeout(() => this.#give(), Math.min(wait, LONGEST_WAIT_MS))
  }

  #give(): void {
    this.#timer = undefined
    this.#refill()
    // One look at those who wait now: who comes back for more stands at the end of the line.
    for (const turn of [...this.#turns]) {
      if (this.#credit <= 0) break
      if (this.#turns.delete(turn)) turn.grant()
    }
    this.#schedule()
  }
}
