import type { Report } from '../../base/events.js'
import type { RelayEvidence } from '../outlook.js'
import { RelayClient, type RelayClientOptions } from './client.js'

/** Between one relay and the next: a peer that is met at several needs one circuit. */
const STAGGER_MS = 300
/** Failures that were told are remembered up to so many. */
const MAX_TOLD = 32

export interface RelaysOptions extends Omit<RelayClientOptions, 'url' | 'onfailure'> {
  urls: readonly string[]
  report: Report
}

/** All relays that were named. */
export class Relays {
  readonly #clients: RelayClient[]
  readonly #report: Report
  readonly #told = new Set<string>()

  constructor({ urls, report, ...options }: RelaysOptions) {
    this.#report = report
    this.#clients = urls.map(
      (url, index) =>
        new RelayClient({
          ...options,
          url,
          delay: () => options.delay() + index * STAGGER_MS,
          onfailure: (error) => this.#onfailure(url, error)
        })
    )
  }

  /** URLs of those that let us in now. */
  get up(): string[] {
    return this.#clients.filter(({ up }) => up).map(({ url }) => url)
  }

  /** Keys of their blind relays for UDP, in the DHT. */
  get blind(): Buffer[] {
    return this.#clients.flatMap(({ blind }) => blind ?? [])
  }

  /** What they have shown so far; null when there are none. */
  get evidence(): RelayEvidence | null {
    const all = this.#clients.map(({ evidence }) => evidence)
    if (all.length === 0) return null
    return {
      answered: all.some(({ answered }) => answered),
      complete: all.every(({ answered }) => answered),
      met: all.some(({ met }) => met),
      emptyLookups: Math.max(...all.map(({ emptyLookups }) => emptyLookups))
    }
  }

  /** Connects to all who are wanted and to the relays, now. */
  wake(): void {
    for (const client of this.#clients) client.wake()
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  /** Says each reason once: a relay that comes and goes is no news. */
  #onfailure(url: string, error: Error): void {
    const message = `cannot use the relay ${url}: ${error.message}; trying until it answers`
    if (this.#told.has(message) || this.#told.size >= MAX_TOLD) return
    this.#told.add(message)
    this.#report({ type: 'note', message, important: true })
  }
}
