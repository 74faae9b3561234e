import type { Route } from '../base/events.js'
import { Alarm } from './alarm.js'
import { Backoff } from './backoff.js'
import { formatHostPort } from './host-port.js'
import { dialTcp } from './tcp.js'
import type { Candidate, HostPort, KeyPair } from './transport.js'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
/** A connection that lasted so long was good: after it the waits start from the shortest again. */
const GOOD_MS = 10_000
const MAX_ADDRESSES = 4

export interface DialOptions {
  keyPair: KeyPair
  route: Route
  /** Milliseconds before the first attempt, to let the other end dial instead. */
  delay: number
  /**
   * True while there is no need to dial: the peer there is connected by this route or a better one.
   * @param publicKey the key that answered at this address last, or null
   */
  covered: (publicKey: Buffer | null) => boolean
  oncandidate: (candidate: Candidate) => void
  /** Called after each attempt that failed, with how many failed in a row. */
  onfailure: (to: HostPort, error: unknown, failures: number) => void
}

/** Keeps one TCP peer connected, for ever: dials, waits longer after each failure, dials again when it is lost. */
export class Dial {
  readonly #options: DialOptions
  readonly #addresses: HostPort[]
  readonly #backoff = new Backoff(FIRST_WAIT_MS, LONGEST_WAIT_MS)
  readonly #alarm = new Alarm()
  readonly #abort = new AbortController()
  #publicKey: Buffer | null = null
  #failures = 0

  constructor(to: HostPort, options: DialOptions) {
    this.#options = options
    this.#addresses = [to]
    void this.#run()
  }

  /** Attempts that failed since the last one that succeeded. */
  get failures(): number {
    return this.#failures
  }

  /** Another address of the same peer, tried in turn; the oldest gives way. */
  add(to: HostPort): void {
    const text = formatHostPort(to.host, to.port)
    if (this.#addresses.some(({ host, port }) => formatHostPort(host, port) === text)) return
    this.#addresses.push(to)
    if (this.#addresses.length > MAX_ADDRESSES) this.#addresses.shift()
  }

  /** Dials now, unless it is connected. */
  wake(): void {
    this.#backoff.reset()
    this.#alarm.ring()
  }

  close(): void {
    this.#abort.abort()
    this.#alarm.close()
  }

  async #run(): Promise<void> {
    await this.#alarm.sleep(this.#options.delay)
    for (let turn = 0; !this.#alarm.closed; ) {
      if (this.#options.covered(this.#publicKey)) {
        this.#failures = 0
        await this.#alarm.sleep(LONGEST_WAIT_MS)
        continue
      }
      const to = this.#addresses[turn % this.#addresses.length]
      if (!to) return
      try {
        await this.#connect(to)
      } catch (error) {
        if (this.#alarm.closed) return
        turn++
        this.#failures++
        this.#options.onfailure(to, error, this.#failures)
      }
      await this.#alarm.sleep(this.#backoff.next())
    }
  }

  /** Resolves when the connection is over. */
  async #connect(to: HostPort): Promise<void> {
    const { keyPair, route, oncandidate } = this.#options
    const candidate = await dialTcp(to, { keyPair, route, signal: this.#abort.signal })
    const since = performance.now()
    this.#publicKey = candidate.stream.remotePublicKey
    this.#failures = 0
    const closed = new Promise<void>((resolve) => candidate.stream.once('close', () => resolve()))
    oncandidate(candidate)
    await closed
    if (performance.now() - since > GOOD_MS) this.#backoff.reset()
  }
}
