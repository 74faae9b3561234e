const WINDOW_MS = 5000
const SAMPLE_MS = 250

/** Bytes per second over the last five seconds, from an absolute counter. */
export class Rate {
  #samples: { time: number; bytes: number }[] = []

  constructor(bytes = 0) {
    this.#samples.push({ time: Date.now(), bytes })
  }

  /** @param bytes the counter now @returns bytes per second */
  update(bytes: number): number {
    const now = Date.now()
    const last = this.#samples.at(-1)
    if (!last || now - last.time >= SAMPLE_MS) this.#samples.push({ time: now, bytes })
    while (this.#samples.length > 2 && now - (this.#samples[1]?.time ?? now) >= WINDOW_MS) this.#samples.shift()
    const first = this.#samples[0]
    if (!first || now <= first.time) return 0
    return Math.max(0, Math.round(((bytes - first.bytes) * 1000) / (now - first.time)))
  }
}
