import type { NetworkOptions } from '../transport/transport.js'

/** Where a link says that peers of its share can be found, beside the DHT and the local network. */
export interface Places {
  /** `host:port` addresses to dial directly. */
  addresses: string[]
  /** URLs of relays at which to meet. */
  relays: string[]
}

/** Looks at these places too. The one place where what a link names is joined to what the user named. */
export function alsoAt(network: NetworkOptions, { addresses, relays }: Places): NetworkOptions {
  return {
    ...network,
    peers: [...new Set([...network.peers, ...addresses])],
    relays: [...new Set([...(network.relays ?? []), ...relays])]
  }
}
