/** Waiting times between attempts: they double up to a cap, and jitter keeps two ends from moving in step. */
export class Backoff {
  readonly #first: number
  readonly #cap: number
  #next: number

  /** @param first the shortest wait, in milliseconds. @param cap the longest, before jitter of up to a quarter. */
  constructor(first: number, cap: number) {
    this.#first = first
    this.#cap = cap
    this.#next = first
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const wait = this.#next
    this.#next = Math.min(this.#cap, wait * 2)
    return Math.round(wait * (0.75 + Math.random() / 2))
  }

  /** After a success, or when the world has changed: start with the shortest wait again. */
  reset(): void {
    this.#next = this.#first
  }
}
