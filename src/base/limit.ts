/** Runs at most so many things at once; the rest waits its turn, first come, first served. */
export class Limit {
  readonly #most: number
  #running = 0
  readonly #waiting: (() => void)[] = []
  #idle: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting.length
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      return await work()
    } finally {
      // The place goes to the next one directly, or somebody else could take it in between.
      const next = this.#waiting.shift()
      if (next) next()
      else if (--this.#running === 0) this.#signal()
    }
  }

  /** Resolves when nothing runs or waits. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  #signal(): void {
    const idle = this.#idle
    this.#idle = []
    for (const resolve of idle) resolve()
  }
}
