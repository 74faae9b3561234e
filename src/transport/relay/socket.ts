import { rootCertificates } from 'node:tls'
import { HttpsProxyAgent } from 'https-proxy-agent'
import WebSocket from 'ws'
import { systemCode } from '../../base/errors.js'
import { printable } from '../../base/terminal-text.js'
import { lookUpForSocket } from '../host-names.js'
import { dialReason } from '../tcp.js'
import type { RelayAccess } from '../transport.js'
import { WINDOW_BYTES } from './lane-sender.js'
import { MAX_FRAME_BYTES, MAX_TEXT_BYTES, SUBPROTOCOL } from './protocol.js'
import { closeSocket } from './ws-lane.js'

/** Time for name, connection, proxy, TLS and WebSocket together. */
const CONNECT_MS = 8000
/** Whoever sends pings and reads no pongs must not make us gather them. */
const MAX_BUFFERED_BYTES = WINDOW_BYTES + 2 * 1024 * 1024

/** Why a relay can't be used: the message is for the person at the keyboard. */
export class RelayError extends Error {}

/**
 * Opens a WebSocket to a relay, through the proxy if there is one; the proxy looks the relay's name up. It is closed
 * when `signal` aborts, also later.
 * @throws RelayError
 */
export function openSocket(url: string, access: RelayAccess, signal: AbortSignal): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new RelayError('it was given up'))
    const way = new Way(url, access)
    const socket = new WebSocket(url, [SUBPROTOCOL], {
      agent: way.agent,
      ...(!way.agent && { lookup: lookUpForSocket }),
      ...(way.ca && { ca: way.ca }),
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: Math.max(MAX_TEXT_BYTES, MAX_FRAME_BYTES)
    })
    const fail = (reason: string) => {
      clearTimeout(timer)
      reject(new RelayError(reason))
      socket.terminate()
    }
    const abort = () => (socket.readyState === WebSocket.OPEN ? closeSocket(socket) : fail('it was given up'))
    const timer = setTimeout(() => fail(way.silence), CONNECT_MS)
    signal.addEventListener('abort', abort, { once: true })
    // The listener stays for good: an 'error' that nobody listens to would end the process.
    socket.on('error', (error) => fail(way.reason(error)))
    socket.on('unexpected-response', (request, response) => {
      fail(way.refusal(response.statusCode ?? 0))
      request.destroy()
    })
    socket.on('ping', () => {
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) socket.terminate()
    })
    socket.once('close', () => {
      signal.removeEventListener('abort', abort)
      fail('it closed the connection')
    })
    socket.once('open', () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })
}

/** The way to a relay, and words for what goes wrong on it. Never says the password of the proxy. */
class Way {
  readonly agent: HttpsProxyAgent<string> | undefined
  readonly ca: string[] | undefined
  readonly #to: string
  readonly #proxy: URL | null = null
  /** What the proxy answered; 0 while it has not. */
  #status = 0

  constructor(url: string, access: RelayAccess) {
    this.#to = new URL(url).host
    this.ca = access.ca === null ? undefined : [...rootCertificates, access.ca]
    const proxy = access.proxyFor(url)
    if (!proxy) return
    this.#proxy = parseProxy(proxy)
    this.agent = new HttpsProxyAgent<string>(proxy, { lookup: lookUpForSocket, ...(this.ca && { ca: this.ca }) })
    this.agent.on('proxyConnect', ({ statusCode }: { statusCode: number }) => {
      this.#status = statusCode
    })
  }

  /** Why there is no answer. */
  get silence(): string {
    return this.#proxy && this.#status === 0 ? `the proxy ${this.#proxy.host} does not answer` : 'no answer'
  }

  /** @param status of a response that is no WebSocket */
  refusal(status: number): string {
    if (!this.#proxy || this.#status === 0 || this.#status === 200) {
      const busy = status === 503 ? ', or it is full' : ''
      return `it answers with HTTP ${status}: there is no dat relay at this address${busy}`
    }
    const { host, username, protocol } = this.#proxy
    const the = `the proxy ${host}`
    const example = `HTTPS_PROXY=${protocol}//user:password@${host}`
    switch (status) {
      case 407:
        return username === ''
          ? `${the} wants a user name and password: set ${example}`
          : `${the} does not accept this user name and password: check ${example}`
      case 403:
        return `${the} does not allow connections to ${this.#to}`
      case 502:
      case 503:
      case 504:
        return `${the} cannot reach ${this.#to} (HTTP ${status})`
      default:
        return `${the} does not connect to ${this.#to} (HTTP ${status})`
    }
  }

  reason(error: Error): string {
    const code = systemCode(error)
    if (/subprotocol|Sec-WebSocket|Invalid Upgrade/i.test(error.message)) return 'this is not a dat relay'
    if (code in CERTIFICATE) return `its certificate is not accepted: ${CERTIFICATE[code]}`
    if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO') {
      return 'it does not speak TLS at this port: is it a ws:// relay?'
    }
    const reason = printable(dialReason(error))
    return this.#proxy && this.#status !== 200 ? `the proxy ${this.#proxy.host}: ${reason}` : reason
  }
}

const UNKNOWN_AUTHORITY =
  'it was not signed by an authority that this computer knows. If your institution runs this relay, or looks into ' +
  "encrypted connections, give its authority's certificate with --relay-ca FILE"

const CERTIFICATE: Record<string, string> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: "it is not valid yet (is this computer's clock right?)",
  ERR_TLS_CERT_ALTNAME_INVALID: 'it was made for another name'
}

function parseProxy(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
    decodeURIComponent(url.username + url.password)
  } catch {
    throw new RelayError('the proxy that the environment names is not of the form http://user:password@host:port')
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') return url
  throw new RelayError(
    `the proxy ${url.host} that the environment names is a ${printable(url.protocol)} proxy, and dat only uses ` +
      'http and https proxies'
  )
}
