/** What one gateway lets its clients take up, all together and each address for itself. */

/** Connections. Whole institutes share an address, so one may have many. */
export const MAX_CONNECTIONS = 600
export const MAX_CONNECTIONS_OF_ADDRESS = 300
/** Headers, of which the URL may take 16 KiB. */
export const MAX_HEADER_BYTES = 24 * 1024
/** A client that takes longer to say what it wants is sent away, in ms. */
export const HEADERS_MS = 15_000
export const REQUEST_MS = 30_000
/** A connection on which nothing is asked for, and one on which nothing moves. */
export const KEEP_ALIVE_MS = 10_000
export const STALL_MS = 120_000
/** Archives and lists of checksums, which read a whole folder. */
export const MAX_LONG = 24
export const MAX_LONG_OF_ADDRESS = 8
/** Folders that are read and searched at once, and those that wait for it. */
export const MAX_SCANS = 4
export const MAX_WAITING = 100
/** A password and its field. */
export const MAX_FORM_BYTES = 8192

/** Counts what is under way, for each address. */
export class Slots {
  readonly #all: number
  readonly #each: number
  readonly #taken = new Map<string, number>()
  #total = 0

  constructor(all: number, each: number) {
    this.#all = all
    this.#each = each
  }

  /** @returns what gives it back; null if there are too many */
  take(address: string): (() => void) | null {
    const taken = this.#taken.get(address) ?? 0
    if (this.#total >= this.#all || taken >= this.#each) return null
    this.#total++
    this.#taken.set(address, taken + 1)
    let given = false
    return () => {
      if (given) return
      given = true
      this.#total--
      const left = (this.#taken.get(address) ?? 1) - 1
      if (left === 0) this.#taken.delete(address)
      else this.#taken.set(address, left)
    }
  }
}

/** Lets a few do something at once; the others wait for their turn, if there are not too many of them. */
export class Queue {
  readonly #atOnce: number
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #active = 0

  constructor(atOnce: number, most: number) {
    this.#atOnce = atOnce
    this.#most = most
  }

  /** @returns null if there are too many waiting already */
  async run<T>(work: () => Promise<T>): Promise<{ value: T } | null> {
    if (this.#active >= this.#atOnce) {
      if (this.#waiting.length >= this.#most) return null
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#active++
    try {
      return { value: await work() }
    } finally {
      this.#active--
      this.#waiting.shift()?.()
    }
  }
}
