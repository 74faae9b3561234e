import type { Budget } from './budget.js'

/** What passing bytes on costs: it is counted, and taken from the rates of those who send and receive, and of all. */
export class Toll {
  readonly #budgets: readonly Budget[]
  readonly #oncount: (bytes: number) => void

  constructor(budgets: readonly Budget[], oncount: (bytes: number) => void) {
    this.#budgets = budgets
    this.#oncount = oncount
  }

  /** @returns milliseconds for which no more should be read */
  pay(bytes: number): number {
    this.#oncount(bytes)
    let wait = 0
    for (const budget of this.#budgets) wait = Math.max(wait, budget.spend(bytes))
    return wait
  }
}
