import { constants } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { DatError, reasonOf, systemCode } from '../base/errors.js'
import { Slots } from '../base/slots.js'
import { addressGroup } from '../transport/address-group.js'
import { formatHostPort } from '../transport/host-port.js'
import type { Certificate } from '../transport/relay/server/certificate.js'
import type { HostPort } from '../transport/transport.js'
import {
  HEADERS_MS,
  KEEP_ALIVE_MS,
  MAX_CONNECTIONS,
  MAX_CONNECTIONS_OF_ADDRESS,
  MAX_HEADER_BYTES,
  REQUEST_MS,
  STALL_MS
} from './limits.js'

/** Of the good ciphers the quickest first: AES with 128 bits is a quarter faster than with 256, and no less safe here. */
const CIPHERS = ['TLS_AES_128_GCM_SHA256', ...constants.defaultCoreCipherList.split(':')].filter(
  (name, i, all) => all.indexOf(name) === i
)

export interface ListenerOptions {
  listen: HostPort
  /** Take any port if this one is in use. */
  anyPort: boolean
  certificate: Certificate | null
  onrequest: (request: http.IncomingMessage, response: http.ServerResponse) => void
}

/** Accepts connections, so many and no more, and no longer than each has something to say. */
export class Listener {
  readonly #server: http.Server | https.Server
  readonly #sockets = new Set<Socket>()
  readonly #slots = new Slots(MAX_CONNECTIONS, MAX_CONNECTIONS_OF_ADDRESS)

  private constructor({ certificate, onrequest }: ListenerOptions) {
    const limits = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5000,
      noDelay: true
    }
    this.#server = certificate
      ? https.createServer({ ...limits, ...tlsOptions(certificate), handshakeTimeout: HEADERS_MS }, onrequest)
      : http.createServer(limits, onrequest)
    this.#server.timeout = STALL_MS
    this.#server.on('connection', (socket: Socket) => this.#admit(socket))
    // Garbage in place of a request, or of a handshake.
    this.#server.on('clientError', (_error, socket) => socket.destroy())
  }

  /** @throws DatError USAGE if the port cannot be had */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options)
    const { host, port } = options.listen
    try {
      await listener.#listen(host, port)
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE' || !options.anyPort) throw cannotListen(error, options.listen)
      await listener.#listen(host, 0).catch((second) => {
        throw cannotListen(second, options.listen)
      })
    }
    return listener
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Uses another certificate from now on. */
  use(certificate: Certificate): void {
    if (this.#server instanceof https.Server) this.#server.setSecureContext(tlsOptions(certificate))
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #admit(socket: Socket): void {
    const release = this.#slots.take(addressGroup(socket.remoteAddress ?? ''))
    if (!release) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    socket.on('close', () => {
      release()
      this.#sockets.delete(socket)
    })
  }

  #listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
        this.#server.off('error', reject)
        // An error of accepting, for lack of descriptors, is over with the next connection that ends.
        this.#server.on('error', () => {})
        resolve()
      })
    })
  }
}

function tlsOptions({ cert, key }: Certificate): https.ServerOptions {
  return { cert, key, minVersion: 'TLSv1.2', ciphers: CIPHERS.join(':'), honorCipherOrder: true }
}

function cannotListen(error: unknown, { host, port }: HostPort): DatError {
  const where = host === '' ? `port ${port}` : formatHostPort(host, port)
  const why = systemCode(error) === 'EADDRINUSE' ? 'another program uses it' : reasonOf(error)
  return new DatError('USAGE', `cannot listen on ${where}: ${why}`, {
    hint: 'choose another one with --listen [HOST:]PORT; 0 takes any free port'
  })
}
