import { networkInterfaces } from 'node:os'

/** How often to look, in milliseconds; Node.js does not tell. */
const LOOK_MS = 2500

/**
 * Notices that this computer is in another network: an address came or went, with a cable, a radio or a tunnel.
 * @param onchange called after each change
 * @param read the addresses of this computer now, as text
 */
export function watchNetwork(onchange: () => void, read: () => string = describeAddresses): { close(): void } {
  let known = read()
  const timer = setInterval(() => {
    const now = read()
    if (now === known) return
    known = now
    onchange()
  }, LOOK_MS)
  timer.unref()
  return { close: () => clearInterval(timer) }
}

/**
 * The addresses that lead somewhere, in an order of their own. Temporary IPv6 addresses come and go within one network
 * without anything being lost, so of these the network part counts.
 */
export function describeAddresses(interfaces = networkInterfaces()): string {
  const found = new Set<string>()
  for (const [name, list] of Object.entries(interfaces)) {
    for (const { address, family, internal, cidr } of list ?? []) {
      if (!internal) found.add(`${name} ${family === 'IPv6' ? networkPart(address, cidr) : address}`)
    }
  }
  return [...found].sort().join('\n')
}

/** The first 64 bits of an IPv6 address as it is written, or all of it for a network of another size. */
function networkPart(address: string, cidr: string | null): string {
  if (!cidr?.endsWith('/64')) return address
  const [head = '', tail] = address.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const after = tail?.split(':').filter((group) => group !== '') ?? []
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length
  return [...groups, ...Array<string>(zeros).fill('0'), ...after].slice(0, 4).join(':')
}
