import { DEFAULT_LIMITS } from '../../src/transport/relay/server/limits.js'
import { openRelay, type RelayOptions, type RelayServer } from '../../src/transport/relay/server.js'
import { defer } from './cleanup.js'

export interface TestRelay {
  relay: RelayServer
  url: string
}

/** A relay of this process on loopback, until the test is over. Without more options it has no DHT and no TLS. */
export async function startRelay(options: Partial<RelayOptions> = {}): Promise<TestRelay> {
  const relay = await openRelay({
    listen: { host: '127.0.0.1', port: 0 },
    tls: null,
    behindProxy: false,
    dht: null,
    limits: DEFAULT_LIMITS,
    report: () => {},
    ...options
  })
  defer(() => relay.close())
  return { relay, url: `${options.tls ? 'wss' : 'ws'}://127.0.0.1:${relay.port}` }
}
