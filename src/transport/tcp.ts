import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { DatError, systemCode } from '../base/errors.js'
import type { Route } from '../base/events.js'
import type { Gate } from './gate.js'
import { shakeHands } from './handshake.js'
import { lookUpForSocket } from './host-names.js'
import { formatHostPort, plainAddress } from './host-port.js'
import type { Candidate, HostPort, KeyPair } from './transport.js'

const MAX_CONNECTIONS = 1024

export interface TcpListener {
  readonly port: number
  close(): Promise<void>
}

export interface TcpListenOptions {
  /** '' for every address of this machine. */
  host: string
  /** 0 picks a free one. */
  port: number
  keyPair: KeyPair
  route: Route
  gate: Gate
  oncandidate: (candidate: Candidate) => void
}

/**
 * Accepts direct connections. Whoever connects is a stranger: it gets a few seconds and a few bytes for the handshake.
 * @throws DatError USAGE when the port cannot be had
 */
export async function listenTcp(options: TcpListenOptions): Promise<TcpListener> {
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 })
  const sockets = new Set<Socket>()
  server.maxConnections = MAX_CONNECTIONS
  server.on('connection', (socket) => {
    const from = plainAddress(socket.remoteAddress ?? '')
    if (from === '') {
      // It is gone already.
      socket.on('error', ignore)
      socket.destroy()
      return
    }
    const leave = options.gate.admit(from, () => socket.destroy())
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const address = formatHostPort(from, socket.remotePort ?? 0)
    shakeHands(false, socket, options.keyPair)
      .finally(leave)
      .then((stream) => options.oncandidate({ stream, route: options.route, address }), ignore)
  })
  await bind(server, options)
  // Later errors concern one connection that could not be accepted (too many open files); the listener goes on.
  server.on('error', ignore)
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound ? bound.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      })
  }
}

export function bind(server: Server, { host, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(listenError(error, { host, port }))
    server.once('error', fail)
    // Without a host Node.js takes IPv6 and IPv4 where it can, and IPv4 alone elsewhere.
    server.listen(host === '' ? { port } : { host, port }, () => {
      server.off('error', fail)
      resolve()
    })
  })
}

function listenError(error: Error, { host, port }: HostPort): DatError {
  const where = host === '' ? `port ${port}` : formatHostPort(host, port)
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new DatError('USAGE', `cannot listen on ${where}: another program already does`, {
        hint: 'choose another port, or 0 for any free one: --listen 0',
        cause: error
      })
    case 'EACCES':
    case 'EPERM':
      return new DatError('USAGE', `cannot listen on ${where}: this system does not allow it`, {
        hint: 'choose a port from 1024 to 65535: --listen 4000',
        cause: error
      })
    default:
      return new DatError('USAGE', `cannot listen on ${where}: ${dialReason(error)}`, {
        hint: 'give an address of this computer, or the port alone: --listen 4000',
        cause: error
      })
  }
}

/**
 * Connects and shakes hands.
 * @param signal aborts the attempt
 * @throws the error of the socket or of the handshake, or a time-out
 */
export async function dialTcp(
  to: HostPort,
  options: { keyPair: KeyPair; route: Route; signal: AbortSignal }
): Promise<Candidate> {
  options.signal.throwIfAborted()
  const socket = connectSocket({
    host: to.host,
    port: to.port,
    lookup: lookUpForSocket,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 10_000
  })
  const abort = () => socket.destroy()
  options.signal.addEventListener('abort', abort)
  try {
    const stream = await shakeHands(true, socket, options.keyPair)
    return { stream, route: options.route, address: formatHostPort(to.host, to.port) }
  } finally {
    options.signal.removeEventListener('abort', abort)
  }
}

/** Why a connection failed, for a person. */
export function dialReason(error: unknown): string {
  switch (systemCode(error)) {
    case 'ECONNREFUSED':
      return 'connection refused'
    case 'ETIMEDOUT':
      return 'no answer'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'this name is not known'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no way to this address'
    case 'ECONNRESET':
      return 'the other end closed the connection'
    case 'EADDRNOTAVAIL':
      return 'this computer does not have this address'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}

/** What others can dial when we listen on `host`: for all addresses, each that is not internal to this machine. */
export function dialableAddresses(host: string, port: number): string[] {
  if (host !== '' && host !== '0.0.0.0' && host !== '::') return [formatHostPort(host, port)]
  const found: string[] = []
  for (const { address, family, internal } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    // Link-local addresses mean nothing without the name of an interface.
    if (internal || /^fe[89ab]/i.test(address) || address.startsWith('169.254.')) continue
    if (host === '0.0.0.0' && family === 'IPv6') continue
    found.push(formatHostPort(address, port))
  }
  return found.length > 0 ? found : [formatHostPort(host === '::' ? '::1' : '127.0.0.1', port)]
}

function ignore(): void {}
