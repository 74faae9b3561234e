import { isIPv6 } from 'node:net'
import { plainAddress } from '../../host-port.js'
import { MAX_STRANGERS, MAX_STRANGERS_EACH } from './limits.js'

/**
 * What counts as one address: an IPv4 address, or the /64 of an IPv6 address, of which anybody has billions.
 * @param address as a socket names it
 */
export function addressGroup(address: string): string {
  const plain = plainAddress(address)
  if (!isIPv6(plain)) return plain
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? []
  const front = head === '' ? [] : head.split(':')
  const back = tail ? tail.split(':') : []
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  return `${[...front, ...zeros, ...back].slice(0, 4).join(':').toLowerCase()}::/64`
}

/** Counts things by the address they come from. */
export class Tally {
  readonly #counts = new Map<string, number>()
  #total = 0

  get total(): number {
    return this.#total
  }

  of(group: string): number {
    return this.#counts.get(group) ?? 0
  }

  add(group: string): void {
    this.#total++
    this.#counts.set(group, this.of(group) + 1)
  }

  remove(group: string): void {
    const left = this.of(group) - 1
    this.#total--
    if (left > 0) this.#counts.set(group, left)
    else this.#counts.delete(group)
  }
}

/**
 * Sockets that have not said yet what they are for. Each has a few seconds; this bounds how many of them one address
 * can keep open by going slowly.
 */
export class Strangers {
  readonly #tally = new Tally()

  /** @returns a function that ends the counting, to be called as often as one likes; null if there are too many */
  admit(group: string): (() => void) | null {
    if (this.#tally.total >= MAX_STRANGERS || this.#tally.of(group) >= MAX_STRANGERS_EACH) return null
    this.#tally.add(group)
    let counted = true
    return () => {
      if (!counted) return
      counted = false
      this.#tally.remove(group)
    }
  }
}
