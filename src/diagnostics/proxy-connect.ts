import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { lookUpForSocket } from '../transport/host-names.js'
import { formatHostPort } from '../transport/host-port.js'
import type { HostPort } from '../transport/transport.js'
import type { ConnectOutcome } from './evidence.js'

export interface ProxyReply {
  outcome: ConnectOutcome
  status: number | null
  /** The proxy's `Date`, in ms since 1970. */
  date: number | null
  /** Only with the outcome `open`: to be destroyed by the caller. */
  socket: Duplex | null
}

/**
 * Asks a web proxy for a connection (HTTP CONNECT). Gives up when the signal fires.
 * @param proxy as `proxyFor` returns it
 */
export function proxyConnect(proxy: URL, target: HostPort, signal: AbortSignal): Promise<ProxyReply> {
  return new Promise((resolve) => {
    const to = formatHostPort(target.host, target.port)
    const secure = proxy.protocol === 'https:'
    const request = (secure ? httpsRequest : httpRequest)({
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (secure ? 443 : 80),
      path: to,
      headers: { Host: to, ...login(proxy) },
      lookup: lookUpForSocket,
      agent: false
    })
    let reached = false
    const settle = (reply: ProxyReply) => {
      signal.removeEventListener('abort', onabort)
      request.off('error', onerror)
      request.on('error', () => {})
      if (!reply.socket) request.destroy()
      resolve(reply)
    }
    const nothing = { status: null, date: null, socket: null }
    const onabort = () => settle({ ...nothing, outcome: reached ? 'silent' : 'dead' })
    const onerror = () => settle({ ...nothing, outcome: reached ? 'forbidden' : 'dead' })
    request.on('socket', (socket) =>
      socket.once('connect', () => {
        reached = true
      })
    )
    request.on('error', onerror)
    request.on('connect', (response, socket) => {
      socket.on('error', () => {})
      const status = response.statusCode ?? 0
      const outcome = outcomeOf(status)
      if (outcome !== 'open') socket.destroy()
      settle({ outcome, status, date: dateOf(response.headers.date), socket: outcome === 'open' ? socket : null })
    })
    request.on('response', (response) => {
      response.resume()
      const status = response.statusCode ?? 0
      const outcome = outcomeOf(status)
      settle({
        outcome: outcome === 'open' ? 'forbidden' : outcome,
        status,
        date: dateOf(response.headers.date),
        socket: null
      })
    })
    signal.addEventListener('abort', onabort, { once: true })
    if (signal.aborted) return onabort()
    request.end()
  })
}

/** A `Date` header as ms since 1970. */
export function dateOf(header: string | undefined): number | null {
  const ms = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(ms) ? null : ms
}

function login(proxy: URL): Record<string, string> {
  if (!proxy.username && !proxy.password) return {}
  const text = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  return { 'Proxy-Authorization': `Basic ${Buffer.from(text).toString('base64')}` }
}

function outcomeOf(status: number): ConnectOutcome {
  if (status >= 200 && status < 300) return 'open'
  if (status === 407) return 'password'
  // The proxy tried and came back with nothing: it would have let us.
  if (status === 502 || status === 503 || status === 504) return 'tried'
  return 'forbidden'
}
