import type { Duplex } from 'node:stream'
import { openSocket, RelayError } from '../../transport/relay/socket.js'
import type { RelayAccess } from '../../transport/transport.js'
import { handshake } from '../certificate.js'
import { deadline } from '../deadline.js'
import type { RelayFacts, RelayPath } from '../evidence.js'
import { healthOf } from '../health.js'
import { proxyFor } from '../options.js'
import type { ProbeContext, ProbeResult } from '../probe.js'
import { proxyConnect } from '../proxy-connect.js'
import { withoutLogin } from '../redact.js'
import type { RelayTarget } from '../targets.js'
import { tcpConnect } from '../tcp-connect.js'
import { UNUSABLE } from './proxy.js'

const PATH_MS = 5000

/** What one way to a relay shows beside whether it works. */
interface Walk {
  path: RelayPath
  resignedBy: string | null
  certificateTime: boolean
  clockOff: number | null
}

/** One relay, directly and through the proxy: connection, certificate, an HTTP request, a WebSocket. */
export async function relay(context: ProbeContext, target: RelayTarget): Promise<ProbeResult<RelayFacts>> {
  const { options, signal } = context
  const named = proxyFor(options, target.url.href.replace(/^ws/, 'http'))
  const limit = deadline(PATH_MS, signal)
  const [direct, proxied] = await Promise.all([
    walk(context, target, null, limit.signal),
    named && throughNamed(context, target, named, limit.signal)
  ])
  limit.close()
  const ways = [direct, ...(proxied ? [proxied] : [])]
  const facts: RelayFacts = {
    url: withoutLogin(target.url.href),
    host: target.host,
    port: target.port,
    direct: direct.path,
    proxied: proxied?.path ?? null,
    resignedBy: ways.find((way) => way.resignedBy !== null)?.resignedBy ?? null,
    certificateTime: ways.some((way) => way.certificateTime),
    clockOff: ways.find((way) => way.clockOff !== null)?.clockOff ?? null
  }
  // Where a proxy is named dat goes no other way, and what another way would do is only good to know.
  const { path } = proxied ?? direct
  if (path.outcome !== 'works') {
    const beside = direct.path.outcome === 'works' ? '; without the proxy it works' : ''
    return { status: 'fail', summary: `${path.reason}${beside}`, facts }
  }
  const how = proxied ? ' through the proxy' : ''
  return { status: 'ok', summary: `works${how}, ${Math.round(path.roundTrip ?? 0)} ms`, facts }
}

/** As `walk`, for a proxy setting that may be of no use. */
async function throughNamed(
  context: ProbeContext,
  target: RelayTarget,
  proxy: URL | 'unusable',
  signal: AbortSignal
): Promise<Walk> {
  if (proxy !== 'unusable') return walk(context, target, proxy, signal)
  const path: RelayPath = { outcome: 'connect', reason: UNUSABLE, roundTrip: null }
  return { path, resignedBy: null, certificateTime: false, clockOff: null }
}

async function walk(
  { options, targets }: ProbeContext,
  target: RelayTarget,
  proxy: URL | null,
  signal: AbortSignal
): Promise<Walk> {
  const result: Walk = {
    path: { outcome: 'connect', reason: '', roundTrip: null },
    resignedBy: null,
    certificateTime: false,
    clockOff: null
  }
  const raw = proxy ? await throughProxy(proxy, target, signal) : await directly(targets, target, signal)
  if (typeof raw === 'string') {
    result.path.reason = raw
    return result
  }
  const ca = options.network.relayAccess?.ca ?? null
  let socket: Duplex = raw
  try {
    let trusted = true
    if (target.url.protocol === 'wss:' || target.url.protocol === 'https:') {
      const tls = await handshake(raw, target.host, ca, signal)
      result.resignedBy = tls.resignedBy
      result.certificateTime = tls.certificateTime
      trusted = tls.error === ''
      if (!trusted) {
        const why = tls.socket ? `certificate not accepted (${tls.error})` : `no TLS at this port (${tls.error})`
        const by = tls.resignedBy ? `certificate signed by ${tls.resignedBy}` : why
        result.path = { outcome: 'tls', reason: by, roundTrip: null }
      }
      if (!tls.socket) return result
      socket = tls.socket
    }
    // Without trust only the date is of interest.
    const health = await healthOf(socket, target.url, signal)
    result.clockOff = health.clockOff
    if (!trusted) return result
    if (health.roundTrip === null) {
      result.path = { outcome: 'http', reason: 'does not answer like a web server', roundTrip: null }
      return result
    }
    result.path.roundTrip = health.roundTrip
  } finally {
    socket.destroy()
    raw.destroy()
  }
  const trouble = await upgrade(target.url, { proxyFor: () => proxy?.href ?? null, ca }, signal)
  result.path = { ...result.path, outcome: trouble === '' ? 'works' : 'upgrade', reason: trouble }
  return result
}

async function directly(targets: ProbeContext['targets'], { host, port }: RelayTarget, signal: AbortSignal) {
  const { address } = await targets.lookup(host, signal)
  if (address === null) return `the name ${host} is not known`
  const { outcome, socket } = await tcpConnect(address, port, signal)
  if (socket) return socket as Duplex
  return outcome === 'refused' ? 'connection refused' : outcome === 'silent' ? 'no answer' : 'not reachable'
}

async function throughProxy(proxy: URL, target: RelayTarget, signal: AbortSignal) {
  const { outcome, status, socket } = await proxyConnect(proxy, target, signal)
  if (socket) return socket
  if (outcome === 'password') return 'the proxy wants a password'
  if (outcome === 'forbidden') return `the proxy forbids it${status ? ` (${status})` : ''}`
  if (outcome === 'tried') return `the proxy cannot reach it (${status})`
  return outcome === 'dead' ? 'the proxy is not there' : 'no answer through the proxy'
}

/** Opens a WebSocket as dat does, and closes it; '' if that works, else why not. */
async function upgrade(url: URL, access: RelayAccess, signal: AbortSignal): Promise<string> {
  try {
    const socket = await openSocket(url.href, access, signal)
    socket.terminate()
    return ''
  } catch (error) {
    return error instanceof RelayError ? error.message : String(error)
  }
}
