import { DatError, type Failure, reasonOf } from '../base/errors.js'
import type { Report } from '../base/events.js'
import { InTheWay, isBlocked } from './destination.js'

/** Failures that are kept to be listed at the end; each was told of when it happened, and all are counted. */
const MAX_FAILURES = 10_000

/** What of a download failed, by path, and why. */
export class DownloadFailures {
  readonly #report: Report
  readonly #reasons = new Map<string, string>()
  readonly #altered = new Set<string>()
  /** How many more there were. */
  #more = 0
  /** Those that the removals of a version may put right. */
  readonly #blocked = new Set<string>()

  constructor(report: Report) {
    this.#report = report
  }

  get list(): Failure[] {
    return [...this.#reasons].map(([path, reason]) => ({ path, reason }))
  }

  /** How many there are, more than are listed. */
  get count(): number {
    return this.#reasons.size + this.#more
  }

  /** True if all that failed was altered here by the user. */
  get onlyAltered(): boolean {
    return this.#reasons.size > 0 && this.#altered.size === this.count
  }

  add(path: string, error: unknown): void {
    const reason = error instanceof DatError ? error.message : reasonOf(error)
    if (isBlocked(error)) this.#blocked.add(path)
    if (this.#reasons.get(path) === reason) return
    if (this.#reasons.size < MAX_FAILURES || this.#reasons.has(path)) {
      if (error instanceof InTheWay) this.#altered.add(path)
      this.#reasons.set(path, reason)
    } else this.#more++
    this.#report({ type: 'file.failed', path, reason })
  }

  /** A later version may still succeed. */
  forget(path: string): void {
    this.#reasons.delete(path)
    this.#altered.delete(path)
  }

  /** Forgets those that something was in the way of, which is gone now. @returns their paths */
  takeBlocked(): string[] {
    const blocked = [...this.#blocked]
    this.#blocked.clear()
    for (const path of blocked) this.forget(path)
    return blocked
  }
}
