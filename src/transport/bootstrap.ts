import type { Alarm } from './alarm.js'
import { Backoff } from './backoff.js'
import { lookUpHost } from './host-names.js'
import { parseHostPort } from './host-port.js'
import type { HostPort } from './transport.js'

/** How long the other names may take once one node is known. */
const STRAGGLERS_MS = 1000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000

/**
 * Looks the names of DHT nodes up, all at once: the DHT itself would try one after another, and with a broken name
 * server wait for each. Names that are not known in time are left out.
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
  return nodes.flatMap((node) => found.get(node) ?? [])
}

/** The same, but waits until the name of one is known, or the alarm is closed. */
export async function awaitNodes(nodes: readonly HostPort[], alarm: Alarm): Promise<HostPort[]> {
  const backoff = new Backoff(FIRST_WAIT_MS, LONGEST_WAIT_MS)
  let found = await resolveNodes(nodes)
  while (found.length === 0 && nodes.length > 0 && !alarm.closed) {
    await alarm.sleep(backoff.next())
    if (!alarm.closed) found = await resolveNodes(nodes)
  }
  return found
}

/**
 * Splits what hyperdht lists as `address@name:port`: the address that was right when it was released, and the name.
 * Left to itself hyperdht looks the name up by the system when the address does not answer (see `host-names.ts`).
 */
export function publicNodes(list: readonly string[]): { addresses: HostPort[]; names: HostPort[] } {
  const addresses: HostPort[] = []
  const names: HostPort[] = []
  for (const text of list) {
    const [address, name] = text.split('@')
    if (!address || !name) continue
    const { host, port } = parseHostPort(name)
    addresses.push({ host: address, port })
    names.push({ host, port })
  }
  return { addresses, names }
}

/** The IPv4 address, which is all that the DHT speaks; null when there is none. */
async function addressOf(host: string): Promise<string | null> {
  try {
    return (await lookUpHost(host)).find(({ family }) => family === 4)?.address ?? null
  } catch {
    return null
  }
}
