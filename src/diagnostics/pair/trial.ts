import type { Route } from '../../base/events.js'
import { connect } from '../../transport/connector.js'
import type { Network, NetworkOptions, NoiseStream, Peer } from '../../transport/transport.js'
import type { Secrets } from './code.js'
import { Wire } from './wire.js'

/** How many bytes, and for how many ms, one direction is measured: whichever ends first. */
export const FILL_BYTES = 16 * 2 ** 20
export const FILL_MS = 2000
/** What is taken of the other end beyond that, before its stream is closed. */
const FILL_SLACK = 2 ** 20

/** Nothing is used but what is switched on. */
const NOTHING = { dht: false, lan: false, listen: null, peers: [], relays: [] } satisfies Partial<NetworkOptions>

/** What came through a route in one direction. */
export interface Intake {
  bytes: number
  /** When the first piece and the last one came, in ms of the monotonic clock. */
  first: number
  last: number
  ended: boolean
}

/** One route on trial: connections that can use nothing else, between the two computers and nobody else. */
export class Trial {
  readonly route: Route
  readonly #secrets: Secrets
  readonly #networks: Network[] = []
  readonly #wires = new Set<Wire>()
  readonly #seen = new WeakSet<NoiseStream>()
  readonly #listeners = new Set<() => void>()
  #total = 0
  readonly #intake: Intake = { bytes: 0, first: 0, last: 0, ended: false }
  #closed = false

  constructor(route: Route, secrets: Secrets) {
    this.route = route
    this.#secrets = secrets
  }

  /** A stream through which both ends have proved that they know the code. */
  get wire(): Wire | null {
    return [...this.#wires].findLast(({ open }) => open) ?? null
  }

  /** What came of the one measurement that there is of a route. */
  get intake(): Readonly<Intake> {
    return this.#intake
  }

  /**
   * Opens connections for this route.
   * @param base how relays are reached, and which interface to use
   * @param on what is switched on
   * @returns the addresses at which it listens
   */
  async open(base: NetworkOptions, on: Partial<NetworkOptions>): Promise<string[]> {
    const opened = await connect({
      ...base,
      ...NOTHING,
      ...on,
      topic: this.#secrets.topic(`route/${this.route}`),
      report: () => {},
      onpeer: (peer, network) => this.#onpeer(peer, network)
    })
    if (this.#closed) await opened.close()
    else this.#networks.push(opened)
    return opened.listening
  }

  /** Resolves when there is a stream, with its wire; null when the time is up or the signal fires. @param limit in ms */
  async connected(limit: number, signal: AbortSignal): Promise<Wire | null> {
    await this.until(() => this.wire !== null, limit, signal)
    return this.wire
  }

  /** Resolves when the condition holds, looked at whenever something comes; or when the time is up. */
  until(holds: () => boolean, limit: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      const look = () => {
        if (holds()) settle()
      }
      const timer = setTimeout(settle, limit)
      this.#listeners.add(look)
      signal.addEventListener('abort', settle, { once: true })
      if (signal.aborted) settle()
      else look()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#networks.splice(0).map((network) => network.close()))
  }

  #onpeer(peer: Peer, network: Network): void {
    if (this.#seen.has(peer.stream)) return
    this.#seen.add(peer.stream)
    new Wire(peer, this.#secrets, `route/${this.route}`, {
      onopen: (wire) => {
        network.trust(peer.stream)
        this.#wires.add(wire)
        this.#notify()
      },
      onclose: (wire) => {
        this.#wires.delete(wire)
        this.#notify()
      },
      // All that is to be said is said elsewhere.
      onmessage: (_value, wire) => wire.destroy(),
      onfiller: (bytes, wire) => this.#onfiller(bytes, wire),
      onend: () => {
        this.#intake.ended = true
        this.#notify()
      }
    })
  }

  #onfiller(bytes: number, wire: Wire): void {
    this.#total += bytes
    if (this.#total > FILL_BYTES + FILL_SLACK) {
      wire.destroy()
      return
    }
    const now = performance.now()
    const intake = this.#intake
    if (intake.bytes === 0) intake.first = now
    intake.bytes += bytes
    intake.last = now
    this.#notify()
  }

  #notify(): void {
    for (const look of [...this.#listeners]) look()
  }
}
