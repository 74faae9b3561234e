import type { Evidence } from '../../src/diagnostics/evidence.js'
import { type Side, summarise } from '../../src/diagnostics/pair/side.js'
import { judge } from '../../src/diagnostics/verdicts.js'
import type { NetworkOptions } from '../../src/transport/transport.js'
import { evidence, RELAY_HOST, relayFinding, type Scene } from './evidence.js'

/** The networks of the lab, as the doctor sees them, for tests of what two of them allow together. */

const SILENT: Scene['udp'] = ['silent', 'silent']
const DARK: Scene = { udp: SILENT, names: false, web: 'silent', other: 'silent' }

export const POLICIES = {
  open: { nat: { own: true, randomized: false }, inbound: true },
  home: {},
  stateful: { nat: { own: true, randomized: false } },
  sym: { nat: { randomized: true } },
  noudp: { udp: SILENT },
  web: { udp: SILENT, other: 'silent', server: 'connected' },
  proxy: { ...DARK, proxy: [{ outcome: 'open', listens: true }] },
  blocked: DARK
} satisfies Record<string, Scene>

export type Policy = keyof typeof POLICIES

export const NETWORK: NetworkOptions = {
  dht: true,
  bootstrap: null,
  lan: true,
  lanInterface: null,
  listen: null,
  peers: []
}

export interface SideOptions {
  /** Whether this side was told of the relay. */
  relay?: boolean
  scene?: Scene
  network?: Partial<NetworkOptions>
}

/** What a computer behind a policy finds out. @param site decides its addresses */
export function evidenceOf(policy: Policy, site: number, { relay = false, scene = {} }: SideOptions = {}): Evidence {
  const direct = policy === 'blocked' || policy === 'proxy' ? 'connect' : 'works'
  const proxied = policy === 'proxy' ? 'works' : null
  const relays = relay ? [relayFinding(direct, proxied)] : []
  return evidence({ ...POLICIES[policy], ipv4: [`10.${site}.0.11`], relays, ...scene })
}

/** What it tells the other computer. */
export function sideOf(policy: Policy, site: number, options: SideOptions = {}): Side {
  const found = evidenceOf(policy, site, options)
  const relays = options.relay ? [`wss://${RELAY_HOST}`] : []
  return summarise(found, judge(found), { ...NETWORK, relays, ...options.network }, [`10.${site}.0.11:4000`])
}
