import { createCipheriv, createHash } from 'node:crypto'

/** Chance that can be had again: the same seed, the same choices and the same bytes. */
export class Random {
  #state

  /** @param {string | number} seed */
  constructor(seed) {
    this.#state = createHash('sha256').update(String(seed)).digest().readUInt32LE(0)
  }

  /** From 0 up to, but not, 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `low` to `high`, both possible. */
  between(low, high) {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  pick(list) {
    return list[this.between(0, list.length - 1)]
  }

  chance(probability) {
    return this.next() < probability
  }
}

/** Bytes that say what they are: always the same for the same text, and never the same for another. */
export function bytesOf(text, length) {
  const key = createHash('sha256').update(text).digest()
  return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(length))
}
