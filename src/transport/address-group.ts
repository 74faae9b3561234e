import { isIPv6 } from 'node:net'
import { plainAddress } from './host-port.js'

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
