import { isIP, isIPv4 } from 'node:net'
import DHT from 'hyperdht'
import { DatError, systemCode } from '../base/errors.js'
import { lookUpHost } from '../transport/host-names.js'
import { isLoopback, parseHostPort } from '../transport/host-port.js'
import type { HostPort } from '../transport/transport.js'
import { orNull } from './deadline.js'
import { WEB_PORTS } from './evidence.js'
import type { DoctorOptions } from './options.js'

/** At most so many DHT nodes, relays and servers of `--web` are asked. */
const MAX_NODES = 4
const MAX_SERVERS = 6

export interface RelayTarget extends HostPort {
  url: URL
}

export interface TcpTarget extends HostPort {
  listens: boolean
}

/** A DHT node: an address that is known without a name server, a name, or both. */
interface Node {
  address: string | null
  name: string | null
  port: number
}

/** Whom the doctor asks: nobody but the DHT, the relays, and what `--web` names. */
export class Targets {
  readonly relays: RelayTarget[]
  readonly #web: HostPort[]
  readonly #nodes: Node[]
  readonly #lookups = new Map<string, Promise<{ address: string | null; code: string }>>()

  constructor(options: DoctorOptions) {
    this.relays = (options.network.relays ?? []).slice(0, MAX_SERVERS).flatMap(relayTarget)
    this.#web = options.web.slice(0, MAX_SERVERS)
    const given = options.network.bootstrap?.map(({ host, port }) => node(host, port)) ?? DHT.BOOTSTRAP.map(publicNode)
    this.#nodes = options.network.dht ? given.slice(0, MAX_NODES) : []
  }

  /** Nothing outside this computer is to be asked. */
  get local(): boolean {
    const hosts = [...this.relays, ...this.#web].map(({ host }) => host)
    return [...hosts, ...this.#nodes.map(({ address, name }) => address ?? name ?? '')].every(isLoopback)
  }

  /** Every name that has to be looked up. */
  get names(): string[] {
    const hosts = [...this.relays, ...this.#web].map(({ host }) => host)
    const all = [...this.#nodes.flatMap(({ name }) => name ?? []), ...hosts]
    return [...new Set(all.filter((host) => isIP(host) === 0 && !isLoopback(host)))]
  }

  /** `host:port` of the DHT nodes, as a person would name them. */
  get dhtNodes(): HostPort[] {
    return this.#nodes.map(({ address, name, port }) => ({ host: name ?? address ?? '', port }))
  }

  /** DHT nodes with their addresses, and the names of those that have none. */
  async nodes(signal: AbortSignal): Promise<{ nodes: HostPort[]; nameless: string[] }> {
    const nodes: HostPort[] = []
    const nameless: string[] = []
    const wait = async ({ address, name, port }: Node) => {
      const host = address ?? (await this.lookup(name ?? '', signal)).address
      // The DHT speaks IPv4 only.
      if (host !== null && isIPv4(host)) nodes.push({ host, port })
      else nameless.push(name ?? host ?? '')
    }
    await Promise.all(this.#nodes.map(wait))
    return { nodes, nameless }
  }

  /** Where to try TCP: servers at their ports, hosts of DHT nodes at a web port and at the port of the node. */
  get tcp(): TcpTarget[] {
    const all: TcpTarget[] = [
      ...this.relays.map(({ host, port }) => ({ host, port, listens: true })),
      ...this.#web.map(({ host, port }) => ({ host, port, listens: true }))
    ]
    for (const { address, name, port } of this.#nodes) {
      const host = address ?? name ?? ''
      all.push({ host, port: 443, listens: false })
      if (!WEB_PORTS.includes(port)) all.push({ host, port, listens: false })
    }
    const seen = new Set<string>()
    return all.filter(({ host, port }) => !seen.has(`${host} ${port}`) && seen.add(`${host} ${port}`))
  }

  /** Whether `--web` names this server, and no relay is there. */
  isWeb({ host, port }: HostPort): boolean {
    const here = (one: HostPort) => one.host === host && one.port === port
    return this.#web.some(here) && !this.relays.some(here)
  }

  /** Looks a name up, once. The address is null when there is none, or not in time. */
  async lookup(host: string, signal: AbortSignal): Promise<{ address: string | null; code: string }> {
    if (isIP(host) !== 0) return { address: host, code: '' }
    if (isLoopback(host)) return { address: '127.0.0.1', code: '' }
    let found = this.#lookups.get(host)
    if (!found) {
      found = lookUpHost(host).then(
        (all) => ({ address: (all.find(({ family }) => family === 4) ?? all[0])?.address ?? null, code: '' }),
        (error) => ({ address: null, code: systemCode(error) || 'UNKNOWN' })
      )
      this.#lookups.set(host, found)
    }
    return (await orNull(found, signal)) ?? { address: null, code: 'ETIMEOUT' }
  }
}

function relayTarget(text: string): RelayTarget[] {
  if (!URL.canParse(text)) return []
  const url = new URL(text)
  const port = url.port ? Number(url.port) : url.protocol === 'ws:' || url.protocol === 'http:' ? 80 : 443
  return [{ url, host: url.hostname.replace(/^\[|\]$/g, ''), port }]
}

function node(host: string, port: number): Node {
  return isIP(host) === 0 ? { address: null, name: host, port } : { address: host, name: null, port }
}

/** hyperdht writes its public nodes as `address@name:port`. */
function publicNode(text: string): Node {
  const [, address, name, port] = /^(?:([^@]*)@)?([^:]*):(\d+)$/.exec(text) ?? []
  if (address === undefined) return node(name ?? '', Number(port))
  return { address, name: name ?? null, port: Number(port) }
}

/**
 * Reads `--web HOST:PORT,…`.
 * @throws DatError USAGE
 */
export function readServers(text: string): HostPort[] {
  const words = text.split(',').map((word) => word.trim())
  return words
    .filter((word) => word !== '')
    .map((word) => {
      const server = parseHostPort(word)
      if (server.host !== '' && server.port > 0) return server
      throw new DatError('USAGE', `--web: "${word}" is not of the form host:port`)
    })
}
