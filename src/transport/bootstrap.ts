import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { isLoopback } from './host-port.js'
import type { HostPort } from './transport.js'

/** How long the other names may take once one node is known. */
const STRAGGLERS_MS = 1000

/**
 * Looks the names of DHT nodes up, all at once: the DHT itself would try one after another, and with a broken name
 * server wait for each. Names that are not known in time stay names, at the end, for the DHT to try again.
 */
export async function resolveNodes(nodes: readonly HostPort[]): Promise<HostPort[]> {
  const found = new Map<HostPort, HostPort>()
  let first: (() => void) | undefined
  const one = new Promise<void>((resolve) => {
    first = resolve
  })
  const all = Promise.all(
    nodes.map(async (node) => {
      const host = await addressOf(node.host)
      if (host === null) return
      found.set(node, { host, port: node.port })
      first?.()
    })
  )
  const stragglers = one.then(() => new Promise<void>((resolve) => setTimeout(resolve, STRAGGLERS_MS).unref()))
  await Promise.race([all, stragglers])
  const unknown = nodes.filter((node) => !found.has(node))
  return [...nodes.flatMap((node) => found.get(node) ?? []), ...unknown]
}

async function addressOf(host: string): Promise<string | null> {
  if (isIPv4(host)) return host
  if (isLoopback(host)) return '127.0.0.1'
  try {
    return (await lookup(host, { family: 4 })).address
  } catch {
    return null
  }
}
