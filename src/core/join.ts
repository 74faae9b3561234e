import type { ConnectOptions, Network } from '../transport/transport.js'

/** How core comes by a network: `connect`, or one that is there already. */
export type Join = (options: ConnectOptions) => Promise<Network>
