import type {
  ConnectOutcome,
  Evidence,
  Finding,
  InboundFacts,
  ProbeStatus,
  RelayFacts,
  RelayPath,
  TcpOutcome,
  UdpOutcome
} from '../../src/diagnostics/evidence.js'
import { WEB_PORTS } from '../../src/diagnostics/evidence.js'

/** Evidence as the probes would find it, for tests of what is made of it. */

const finding = <Facts>(id: string, facts: Facts | null, status: ProbeStatus = 'ok'): Finding<Facts> => ({
  id,
  status: facts === null ? 'skipped' : status,
  summary: '',
  facts,
  ms: 1
})

export interface Scene {
  ipv4?: string[]
  ipv6?: string[]
  /** Whether a name server answers; null: not tested. */
  names?: boolean | null
  /** null: no DHT. */
  udp?: UdpOutcome[] | null
  nat?: { own?: boolean; randomized: boolean | null } | null
  inbound?: boolean | null
  /** Outcomes at 443 and 49737 of the hosts of DHT nodes; null: nobody to ask. */
  web?: TcpOutcome | null
  other?: TcpOutcome | null
  /** The same for a server that listens at 443. */
  server?: TcpOutcome
  /** More servers that listen at 443. */
  servers?: [string, TcpOutcome][]
  /** Milliseconds of refusals: web port, other port. */
  races?: [number, number][]
  /** Servers of `--web` behind a certificate that somebody else made. */
  resigned?: { host: string; by: string }[]
  proxy?: { outcome: ConnectOutcome; listens?: boolean }[] | null
  relays?: Finding<RelayFacts>[]
  lan?: ProbeStatus
  /** Milliseconds that this clock is late, by each of two others. */
  clockOff?: number | null
  clocks?: Evidence['clocks']
  linkLocal?: boolean
  /** Names that the name server was asked for, and denied. */
  denied?: string[]
}

const HOSTS = ['192.0.2.1', '192.0.2.2']
export const RELAY_HOST = 'relay.example.org'

/** A home network where all is well, but for what is given. */
export function evidence(scene: Scene = {}): Evidence {
  const { udp = ['answered', 'answered'], web = 'refused', other = 'refused', names = true } = scene
  const { nat = udp?.includes('answered') ? { randomized: false } : null, inbound = nat ? false : null } = scene
  const relays = scene.relays ?? []
  const host = (port: number, outcome: TcpOutcome | null) =>
    outcome === null ? [] : HOSTS.map((name) => ({ host: name, port, listens: false, outcome, ms: 20 }))
  const attempts = [...host(443, web), ...host(49737, other)]
  if (scene.server) attempts.push({ host: RELAY_HOST, port: 443, listens: true, outcome: scene.server, ms: 20 })
  for (const [name, outcome] of scene.servers ?? []) {
    attempts.push({ host: name, port: 443, listens: true, outcome, ms: 0 })
  }
  const races = (scene.races ?? []).map(([webMs, otherMs], i) => ({
    host: HOSTS[i] ?? '',
    webMs,
    otherMs,
    ratio: webMs / otherMs
  }))
  const open = attempts.some(({ outcome, port }) => outcome === 'connected' && WEB_PORTS.includes(port))
  const connects = (scene.proxy ?? []).map(({ outcome, listens = false }) => ({
    host: listens ? RELAY_HOST : (HOSTS[0] ?? ''),
    port: 443,
    listens,
    outcome,
    status: null
  }))
  const reached: InboundFacts | null = inbound === null ? null : { asked: 2, arrived: inbound ? 2 : 0 }
  return {
    system: finding('system', {
      version: '1.2.3',
      node: 'v20',
      platform: 'linux',
      proxies: {},
      inotifyWatches: null,
      openFiles: null,
      freeBytes: null
    }),
    addresses: finding('addresses', {
      ipv4: scene.ipv4 ?? ['10.0.0.2'],
      ipv6: scene.ipv6 ?? [],
      linkLocal: scene.linkLocal === true,
      vpn: []
    }),
    names: finding(
      'names',
      names === null
        ? null
        : { asked: (scene.denied ?? []).map((name) => ({ name, address: null, code: 'ENOTFOUND' })), answered: names },
      names ? 'ok' : 'fail'
    ),
    tcp: finding(
      'tcp',
      attempts.length > 0 ? { attempts, races, resigned: scene.resigned ?? [] } : null,
      open ? 'ok' : 'unknown'
    ),
    udp: finding(
      'udp',
      udp && { nodes: udp.map((outcome, i) => ({ host: HOSTS[i] ?? '', port: 49737, outcome, ms: 20 })), nameless: [] }
    ),
    nat: finding(
      'nat',
      nat && { publicAddress: '198.51.100.7', own: nat.own === true, randomized: nat.randomized, samples: 4 }
    ),
    inbound: finding('inbound', reached, inbound ? 'ok' : 'fail'),
    lan: finding('lan', { interfaces: [] }, scene.lan ?? 'ok'),
    proxy: finding('proxy', scene.proxy ? { proxy: 'http://proxy:3128', connects, clockOff: null } : null),
    relays,
    clocks:
      scene.clocks ?? (scene.clockOff == null ? [] : ['a', 'b'].map((host) => ({ host, off: scene.clockOff ?? 0 })))
  }
}

/** What a relay probe finds; `works` or the step that failed, directly and through the proxy. */
export function relayFinding(
  direct: RelayPath['outcome'],
  proxied: RelayPath['outcome'] | null = null,
  more: Partial<RelayFacts> = {}
): Finding<RelayFacts> {
  const path = (outcome: RelayPath['outcome']): RelayPath => ({ outcome, reason: 'a reason', roundTrip: null })
  const works = direct === 'works' || proxied === 'works'
  return finding<RelayFacts>(
    `relay:${RELAY_HOST}:443`,
    {
      url: `wss://${RELAY_HOST}`,
      host: RELAY_HOST,
      port: 443,
      direct: path(direct),
      proxied: proxied && path(proxied),
      resignedBy: null,
      certificateTime: false,
      clockOff: null,
      ...more
    },
    works ? 'ok' : 'fail'
  )
}
