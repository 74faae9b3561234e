/**
 * An amount per second that gathers up to a limit. Spending more than is there makes a debt, and whoever spent waits
 * until it is paid off: nothing has to be queued.
 */
export class Budget {
  readonly #rate: number
  readonly #size: number
  #tokens: number
  #time = performance.now()

  /** @param rate tokens per second; Infinity for no limit. @param size what may be spent at once after a pause */
  constructor(rate: number, size: number) {
    this.#rate = rate
    this.#size = size
    this.#tokens = size
  }

  /** @returns milliseconds until the debt is paid off, 0 if there is none */
  spend(amount: number): number {
    if (this.#rate === Number.POSITIVE_INFINITY) return 0
    const now = performance.now()
    this.#tokens = Math.min(this.#size, this.#tokens + ((now - this.#time) * this.#rate) / 1000) - amount
    this.#time = now
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / this.#rate)
  }
}

/** A budget of bytes: a tenth of a second's worth at once, and at least what a socket reads in one go. */
export function byteBudget(bytesPerSecond: number | null): Budget {
  const rate = bytesPerSecond ?? Number.POSITIVE_INFINITY
  return new Budget(rate, Math.max(64 * 1024, rate / 10))
}
