import type { Report } from '../base/events.js'

/** How long `network.ready` may wait for the DHT. */
const DHT_NEWS_MS = 3000

/** What works of the network now. */
export interface NetworkState {
  dht: boolean
  lan: boolean
  relays: string[]
  listening: string[]
}

/** Reports what works of the network, and again when that changes. */
export class NetworkNews {
  readonly #report: Report
  readonly #state: () => NetworkState
  /** Set while nothing is reported yet: until everything is open, and the DHT had its time. */
  #held = true
  #opened = false
  #timer: NodeJS.Timeout | undefined
  #told = ''

  constructor(report: Report, state: () => NetworkState) {
    this.#report = report
    this.#state = state
  }

  /** Everything is open. @param waits for the DHT, which has not answered so far */
  open(waits: boolean): void {
    this.#opened = true
    if (waits) this.#timer = setTimeout(() => this.#release(), DHT_NEWS_MS)
    else this.#release()
  }

  /** The DHT has answered. */
  up(): void {
    if (this.#opened) this.#release()
  }

  /** Something may have changed. */
  tell(): void {
    if (this.#held) return
    const state = this.#state()
    const { dht, lan, relays } = state
    const news = JSON.stringify([dht, lan, relays])
    if (news === this.#told) return
    this.#told = news
    this.#report({ type: 'network.ready', ...state })
  }

  close(): void {
    this.#held = true
    clearTimeout(this.#timer)
  }

  #release(): void {
    this.#held = false
    this.tell()
  }
}
