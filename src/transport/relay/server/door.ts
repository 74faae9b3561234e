import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { Slots } from '../../../base/slots.js'
import { addressGroup } from '../../address-group.js'
import { formatHostPort } from '../../host-port.js'
import { bind } from '../../tcp.js'
import type { HostPort } from '../../transport.js'
import { MAX_FRAME_BYTES, SUBPROTOCOL } from '../protocol.js'
import type { Certificate } from './certificate.js'
import { FIRST_MESSAGE_MS, MAX_HEAD_BYTES, MAX_STRANGERS, MAX_STRANGERS_EACH, SOCKETS_PER_CLIENT } from './limits.js'
import { CLOSE, Visitor } from './visitor.js'

/** A socket that is being closed may take so long to agree. */
const CLOSE_MS = 1500
/** The same when the relay ends. */
const FAREWELL_MS = 1000
/** Messages of the protocol come in one piece; proxies may cut them up a little. */
const MAX_FRAGMENTS = 16
/** Pieces of one message, as they come from the network. */
const MAX_CHUNKS = 4096

const TEXT = `This is a relay of dat: it passes encrypted data on between computers whose networks let out
nothing but web traffic. There is nothing to see here with a browser. Give its address to
dat share or dat clone with the option --relay.
`

export interface DoorOptions {
  /** null serves without TLS. */
  certificate: Certificate | null
  behindProxy: boolean
  /** How many there will be at most, which bounds the sockets. */
  clients: number
  /** @param settled to be called when it is known what the socket is for */
  onvisitor: (visitor: Visitor, settled: () => void) => void
  /** What `/healthz` tells: nothing about anyone. */
  health: () => Record<string, number>
}

/** The HTTP server in front: turns those into visitors who ask for the right thing in time. */
export class Door {
  readonly #options: DoorOptions
  readonly #server: Server | TlsServer
  readonly #upgrade: WebSocketServer
  /**
   * Sockets that have not said yet what they are for. Each has a few seconds; this bounds how many of them one address
   * can keep open by going slowly.
   */
  readonly #strangers = new Slots(MAX_STRANGERS, MAX_STRANGERS_EACH)
  /** Ends the counting as a stranger, by address and port: TLS hides the socket that was counted. */
  readonly #settle = new Map<string, () => void>()
  readonly #sockets = new Set<Socket>()
  readonly #visitors = new Set<Visitor>()
  #closed = false

  constructor(options: DoorOptions) {
    this.#options = options
    const http = {
      headersTimeout: FIRST_MESSAGE_MS,
      requestTimeout: FIRST_MESSAGE_MS,
      keepAliveTimeout: FIRST_MESSAGE_MS,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: MAX_HEAD_BYTES,
      noDelay: true
    }
    const { certificate } = options
    const tls = certificate && { cert: certificate.cert, key: certificate.key, handshakeTimeout: FIRST_MESSAGE_MS }
    this.#server = tls ? createTlsServer({ ...http, ...tls }) : createServer(http)
    this.#server.maxConnections = options.clients * SOCKETS_PER_CLIENT
    this.#server.on('connection', (socket: Socket) => this.#onconnection(socket))
    this.#server.on('request', (request, response) => this.#onrequest(request, response))
    this.#server.on('upgrade', (request, socket, head) => this.#onupgrade(request, socket, head))
    this.#server.on('clientError', (_error, socket) => socket.destroy())
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy())
    const settings = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_CHUNKS,
      closeTimeout: CLOSE_MS
    }
    this.#upgrade = new WebSocketServer(settings)
  }

  /**
   * @returns the port
   * @throws DatError USAGE
   */
  async listen(at: HostPort): Promise<number> {
    await bind(this.#server, at)
    // Later errors concern one connection that could not be accepted (too many open files); the relay goes on.
    this.#server.on('error', ignore)
    const bound = this.#server.address()
    return typeof bound === 'object' && bound ? bound.port : at.port
  }

  /** Takes another certificate into use, for connections from now on. */
  use({ cert, key }: Certificate): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext({ cert, key })
  }

  /** Pings those who are silent. */
  check(now: number): void {
    for (const visitor of this.#visitors) visitor.check(now)
  }

  close(): Promise<void> {
    this.#closed = true
    for (const visitor of this.#visitors) visitor.close(CLOSE.goingAway, 'the relay ends')
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy()
      }, FAREWELL_MS)
      this.#server.close(() => {
        clearTimeout(timer)
        resolve()
      })
      this.#server.closeIdleConnections()
    })
  }

  #onconnection(socket: Socket): void {
    socket.on('error', ignore)
    this.#sockets.add(socket)
    // Behind a proxy all come from one address, which is to be trusted.
    const leave = this.#options.behindProxy ? () => {} : this.#strangers.take(addressGroup(socket.remoteAddress ?? ''))
    const name = nameOf(socket)
    if (leave) this.#settle.set(name, leave)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      if (!leave) return
      leave()
      if (this.#settle.get(name) === leave) this.#settle.delete(name)
    })
    if (!leave) socket.destroy()
  }

  #onrequest(request: IncomingMessage, response: ServerResponse): void {
    const isHealth = request.url?.split('?')[0] === '/healthz'
    const body = isHealth ? `${JSON.stringify({ ok: true, ...this.#options.health() })}\n` : TEXT
    response.writeHead(200, {
      'Content-Type': isHealth ? 'application/json' : 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      Connection: 'close'
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  #onupgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', ignore)
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    if (!offered.includes(SUBPROTOCOL)) {
      refuse(socket, '400 Bad Request')
      return
    }
    const group = addressGroup(this.#addressOf(request))
    const leave = this.#options.behindProxy ? this.#strangers.take(group) : this.#settle.get(nameOf(request.socket))
    if (this.#closed || !leave) {
      refuse(socket, '503 Service Unavailable')
      return
    }
    this.#upgrade.handleUpgrade(request, socket, head, (ws) => {
      const visitor = new Visitor(ws, group)
      this.#visitors.add(visitor)
      ws.once('close', () => {
        leave()
        this.#visitors.delete(visitor)
      })
      this.#options.onvisitor(visitor, leave)
    })
  }

  /** The last name in X-Forwarded-For is the one that the proxy itself has put there. */
  #addressOf(request: IncomingMessage): string {
    const header = this.#options.behindProxy ? request.headers['x-forwarded-for'] : undefined
    const forwarded = (Array.isArray(header) ? header.join() : (header ?? '')).split(',').at(-1)?.trim()
    return forwarded || (request.socket.remoteAddress ?? '')
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function nameOf(socket: Socket): string {
  return formatHostPort(socket.remoteAddress ?? '', socket.remotePort ?? 0)
}

function ignore(): void {}
