import { isIP } from 'node:net'
import type { Report } from '../../base/events.js'
import { Scope } from '../../base/scope.js'
import { formatHostPort } from '../host-port.js'
import { dialableAddresses } from '../tcp.js'
import type { HostPort } from '../transport.js'
import { MAX_LANES } from './protocol.js'
import { DhtBridge } from './server/bridge.js'
import { byteBudget } from './server/budget.js'
import { type Certificate, type CertificateFiles, readCertificate, watchCertificate } from './server/certificate.js'
import { Circuits } from './server/circuits.js'
import { Door } from './server/door.js'
import { type RelayLimits, SWEEP_MS } from './server/limits.js'
import { Reception } from './server/reception.js'
import { Rooms } from './server/rooms.js'

export interface RelayOptions {
  /** Host '' for every address; port 0 picks a free one. */
  listen: HostPort
  /** null serves without TLS: behind a reverse proxy, or in a test. */
  tls: CertificateFiles | null
  /** Clients come by a reverse proxy, which names their addresses in X-Forwarded-For. */
  behindProxy: boolean
  /** null for no DHT; `bootstrap` null for the public one. */
  dht: { bootstrap: HostPort[] | null } | null
  limits: RelayLimits
  report: Report
}

export interface RelayCounts {
  clients: number
  circuits: number
  /** Passed on since the start, without UDP. */
  bytes: number
  /** Pairs of peers for whom it relays UDP now, and bytes of theirs since the start. */
  udpPairs: number
  udpBytes: number
}

export interface RelayServer {
  readonly port: number
  /** What others may give to `--relay`, as far as it is known from here. */
  readonly urls: string[]
  counts(): RelayCounts
  /** Closes every socket (code 1001), within two seconds. */
  close(): Promise<void>
}

/**
 * Runs a relay: docs/protocol/relay.md.
 * @throws DatError USAGE when the port can't be had, or the certificate is not one
 */
export async function openRelay(options: RelayOptions): Promise<RelayServer> {
  const certificate = options.tls && (await readCertificate(options.tls))
  const scope = new Scope()
  try {
    return await open(options, certificate, scope)
  } catch (error) {
    await scope.close()
    throw error
  }
}

async function open(options: RelayOptions, certificate: Certificate | null, scope: Scope): Promise<RelayServer> {
  const { limits, dht, listen, tls, behindProxy } = options
  const circuits = new Circuits({ lanes: MAX_LANES, idleMs: limits.idleMs, budget: byteBudget(limits.totalRate) })
  const rooms = new Rooms()
  const bridge =
    dht &&
    (await DhtBridge.open({
      bootstrap: dht.bootstrap,
      circuits,
      onblind: (key) => rooms.tellAll({ type: 'blind', key })
    }))
  if (bridge) scope.defer(() => bridge.close())
  const reception = new Reception({ rooms, circuits, bridge }, limits)
  const counts = () => ({
    clients: reception.clients,
    circuits: circuits.size,
    bytes: circuits.bytes,
    udpPairs: bridge?.udp.pairs ?? 0,
    udpBytes: bridge?.udp.bytes ?? 0
  })
  const door = new Door({
    certificate,
    behindProxy,
    clients: limits.clients,
    onvisitor: (visitor, settled) => reception.receive(visitor, settled),
    health: () => ({ clients: reception.clients, circuits: circuits.size })
  })
  scope.defer(() => rooms.close())
  scope.defer(() => door.close())
  const port = await door.listen(listen)
  const sweep = setInterval(() => {
    const now = performance.now()
    door.check(now)
    circuits.sweep(now)
  }, SWEEP_MS)
  scope.defer(() => clearInterval(sweep))
  if (tls) {
    const watch = watchCertificate(tls, (result) => {
      const failed = result instanceof Error
      if (!failed) door.use(result)
      const message = failed ? `the old certificate stays in use: ${result.message}` : 'the new certificate is in use'
      options.report({ type: 'note', message })
    })
    scope.defer(() => watch.close())
  }
  return { port, urls: urlsOf(listen.host, port, certificate), counts, close: () => scope.close() }
}

/** A certificate says by which names a server is known; without one it is reached by its addresses. */
function urlsOf(host: string, port: number, certificate: Certificate | null): string[] {
  if (!certificate) return dialableAddresses(host, port).map((address) => `ws://${address}`)
  const names = certificate.names.length > 0 ? certificate.names : [host === '' ? 'localhost' : host]
  return names.map((name) => {
    const bare = isIP(name) === 6 ? `[${name}]` : name
    return `wss://${port === 443 ? bare : formatHostPort(name, port)}`
  })
}
