import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface ProxyOptions {
  /** `user:password` that it wants. */
  credentials?: string
  /** Answers every CONNECT with this status. */
  status?: number
  /** Never answers. */
  silent?: boolean
  tls?: { cert: string; key: string }
  /** Where a name leads: the proxy looks names up, not its client. */
  hosts?: Record<string, string>
}

/** A web proxy as institutions have them, on 127.0.0.1: it connects to 127.0.0.1 alone. */
export class ConnectProxy {
  /** `host:port` of each CONNECT that was let through. */
  readonly connected: string[] = []
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  readonly #options: ProxyOptions

  private constructor(options: ProxyOptions) {
    this.#options = options
    this.#server = options.tls ? createTlsServer(options.tls) : createServer()
    this.#server.on('request', (_request, response) => response.writeHead(405).end())
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('connect', (request, client: Socket) => {
      client.on('error', () => {})
      const { credentials, status, silent, hosts = {} } = this.#options
      const [, encoded = ''] = (request.headers['proxy-authorization'] ?? '').split(' ')
      if (silent) return
      if (credentials !== undefined && Buffer.from(encoded, 'base64').toString() !== credentials) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n')
        return
      }
      if (status !== undefined) {
        client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 2\r\n\r\nno`)
        return
      }
      const { hostname, port } = new URL(`http://${request.url}`)
      const host = hosts[hostname] ?? hostname
      if (host !== '127.0.0.1') return client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
      const target = connect({ host, port: Number(port) || 80 })
      target.once('connect', () => {
        this.connected.push(String(request.url))
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        target.pipe(client).pipe(target)
      })
      target.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'))
      client.once('close', () => target.destroy())
      target.once('close', () => client.destroy())
    })
  }

  static async listen(options: ProxyOptions = {}): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(options)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Cuts all connections, and goes on. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }
}
