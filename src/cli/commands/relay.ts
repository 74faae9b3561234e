import { resolve } from 'node:path'
import { DatError } from '../../base/errors.js'
import type { DatEvent } from '../../base/events.js'
import { Scope } from '../../base/scope.js'
import { formatBytes, parseRate } from '../../base/sizes.js'
import { printable } from '../../base/terminal-text.js'
import { DEFAULT_LIMITS, type RelayLimits } from '../../transport/relay/server/limits.js'
import type { RelayServer } from '../../transport/relay/server.js'
import type { HostPort } from '../../transport/transport.js'
import type { Context } from '../context.js'
import { countOf } from '../ui/format.js'

/** How often a script gets the counters, in ms. */
const STATS_MS = 60_000
/** So many of these make a line for people, if anything has changed. */
const QUIET_STATS = 60
const PORT = 8080
const TLS_PORT = 443

/** The options of `dat relay` as they were typed. */
export interface RelayArguments {
  tlsCert?: string
  tlsKey?: string
  behindProxy?: boolean
  maxClients?: string
  maxPerAddress?: string
  limitClient?: string
  limitTotal?: string
  idle?: string
}

/** `dat relay`: runs a relay until Ctrl-C. */
export async function relay(context: Context, args: RelayArguments): Promise<void> {
  const { ui, signal, common } = context
  const { dht, bootstrap, listen } = common.network
  const tls = tlsFiles(args, context.cwd)
  const options = {
    listen: listen ?? defaultAddress(tls !== null, args.behindProxy === true),
    tls,
    behindProxy: args.behindProxy === true,
    dht: dht ? { bootstrap } : null,
    limits: relayLimits(args),
    report: (event: DatEvent) => {
      ui.event(event)
      if (event.type === 'note') ui.info(`note: ${printable(event.message)}`)
    }
  }
  const { openRelay } = await import('../../transport/relay/server.js')
  const server = await openRelay(options)
  const scope = new Scope()
  scope.defer(() => server.close())
  try {
    for (const url of server.urls) await ui.row({ type: 'relay.listening', url, port: server.port }, url)
    ui.info(advice(options.behindProxy, server.urls))
    const stats = startStats(context, server)
    scope.defer(() => stats.close())
    await interruption(signal)
  } finally {
    await scope.close()
  }
}

function advice(behindProxy: boolean, urls: string[]): string {
  if (behindProxy) return 'Others use the name of the reverse proxy: dat share --relay wss://<name>. Ctrl-C stops it.'
  return `Others use it like this: dat share --relay ${printable(urls[0] ?? '')}. Ctrl-C stops it.`
}

function startStats({ ui }: Context, server: RelayServer): { close(): void } {
  let told = 0
  let rounds = 0
  const tell = () => {
    const counts = server.counts()
    const { clients, circuits, bytes } = counts
    ui.event({ type: 'relay.stats', ...counts, rss: process.memoryUsage.rss() })
    if (rounds++ % QUIET_STATS !== 0 || bytes === told) return
    told = bytes
    ui.info(`${countOf(clients, 'client')}, ${countOf(circuits, 'connection')}, ${formatBytes(bytes)} passed on so far`)
  }
  tell()
  const timer = setInterval(tell, STATS_MS)
  return { close: () => clearInterval(timer) }
}

function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Behind a reverse proxy nobody else on the network has to reach it. */
function defaultAddress(tls: boolean, behindProxy: boolean): HostPort {
  return { host: behindProxy ? '127.0.0.1' : '', port: tls ? TLS_PORT : PORT }
}

function tlsFiles({ tlsCert, tlsKey }: RelayArguments, cwd: string): { cert: string; key: string } | null {
  if (tlsCert === undefined && tlsKey === undefined) return null
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new DatError('USAGE', 'a certificate and its key go together', {
      hint: 'give both: --tls-cert fullchain.pem --tls-key privkey.pem'
    })
  }
  return { cert: resolve(cwd, tlsCert), key: resolve(cwd, tlsKey) }
}

/**
 * Reads the limits; what was not given has its default.
 * @throws DatError USAGE
 */
export function relayLimits(args: RelayArguments): RelayLimits {
  const { maxClients, maxPerAddress, limitClient, limitTotal, idle } = args
  return {
    clients: readCount(maxClients, '--max-clients', DEFAULT_LIMITS.clients, 100_000),
    perAddress: readCount(maxPerAddress, '--max-per-address', DEFAULT_LIMITS.perAddress, 100_000),
    clientRate: readRate(limitClient, '--limit-client', DEFAULT_LIMITS.clientRate),
    totalRate: readRate(limitTotal, '--limit-total', DEFAULT_LIMITS.totalRate),
    idleMs: 1000 * readCount(idle, '--idle', DEFAULT_LIMITS.idleMs / 1000, 1_000_000)
  }
}

function readCount(text: string | undefined, option: string, otherwise: number, most: number): number {
  if (text === undefined) return otherwise
  const count = /^\d+$/.test(text.trim()) ? Number(text) : 0
  if (count >= 1 && count <= most) return count
  throw new DatError('USAGE', `${option}: "${text}" is not a whole number from 1 to ${most}`)
}

function readRate(text: string | undefined, option: string, otherwise: number | null): number | null {
  if (text === undefined) return otherwise
  if (text.trim() === 'none') return null
  try {
    return parseRate(text)
  } catch (error) {
    if (!(error instanceof DatError)) throw error
    throw new DatError('USAGE', `${option}: ${error.message}`, { hint: `${error.hint}, or none` })
  }
}
