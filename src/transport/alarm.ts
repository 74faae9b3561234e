/** A wait that can be cut short: by ring() when there is news, by close() for good. */
export class Alarm {
  #timer: NodeJS.Timeout | undefined
  #wake: (() => void) | undefined
  #closed = false

  get closed(): boolean {
    return this.#closed
  }

  /** Resolves after so many milliseconds, or when somebody rings. One sleeper at a time. */
  sleep(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#timer = setTimeout(() => this.ring(), ms)
    })
  }

  ring(): void {
    clearTimeout(this.#timer)
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  close(): void {
    this.#closed = true
    this.ring()
  }
}
