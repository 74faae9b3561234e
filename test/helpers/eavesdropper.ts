import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net'
import type DHT from 'hyperdht'
import { WebSocket, WebSocketServer } from 'ws'
import z32 from 'z32'
import { SUBPROTOCOL } from '../../src/transport/relay/protocol.js'

/** Everything that went by, by where it was heard. */
export class Eavesdropper {
  readonly #heard = new Map<string, Buffer[]>()
  readonly #closing: Array<() => unknown> = []

  hear(where: string, data: Uint8Array | string): void {
    const all = this.#heard.get(where) ?? []
    this.#heard.set(where, all)
    all.push(Buffer.from(data as Uint8Array))
  }

  /** Bytes that were heard there. */
  heard(where: string): number {
    return (this.#heard.get(where) ?? []).reduce((sum, { length }) => sum + length, 0)
  }

  /** Where these bytes went by, in any of the usual spellings. */
  find(secret: Buffer): string[] {
    const found: string[] = []
    for (const [where, parts] of this.#heard) {
      // Pieces of a stream one after the other: nothing hides on the border of two.
      const all = Buffer.concat(parts)
      const lower = Buffer.from(all.toString('latin1').toLowerCase(), 'latin1')
      for (const [name, spelling] of Object.entries(spellings(secret))) {
        if (all.includes(spelling) || lower.includes(spelling)) found.push(`${where}: ${name}`)
      }
    }
    return found
  }

  /** Stands in front of a TCP port. @returns the port to go to instead */
  async tcp(where: string, target: number): Promise<number> {
    const server = createServer((socket) => {
      const onward = connectSocket({ host: '127.0.0.1', port: target })
      for (const [from, to] of [
        [socket, onward],
        [onward, socket]
      ] as const) {
        from.on('error', () => to.destroy())
        from.on('data', (data) => this.hear(where, data))
        from.pipe(to)
      }
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#closing.push(() => server.close())
    return (server.address() as AddressInfo).port
  }

  /** Stands in front of a relay, and reads its messages as it does. @returns the URL to go to instead */
  async relay(where: string, target: string): Promise<string> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => SUBPROTOCOL })
    server.on('connection', (client) => {
      const onward = new WebSocket(target, SUBPROTOCOL)
      const open = once(onward, 'open')
      open.catch(() => client.terminate())
      for (const [from, to, ready] of [
        [client, onward, open],
        [onward, client, Promise.resolve()]
      ] as const) {
        from.on('message', (data: Buffer, isBinary) => {
          this.hear(where, data)
          ready.then(() => to.send(data, { binary: isBinary })).catch(() => {})
        })
        from.on('error', () => to.terminate())
        from.on('close', () => to.terminate())
      }
    })
    await once(server, 'listening')
    this.#closing.push(() => {
      for (const client of server.clients) client.terminate()
      server.close()
    })
    return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** Takes part in the multicast DNS of 127.0.0.1. */
  async lan(where: string): Promise<void> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    socket.on('message', (data) => this.hear(where, data))
    socket.bind(5353, '224.0.0.251')
    await once(socket, 'listening')
    socket.addMembership('224.0.0.251', '127.0.0.1')
    this.#closing.push(() => socket.close())
  }

  /** Reads all that reaches a node of the DHT. */
  dht(where: string, node: DHT): void {
    const { io } = node as unknown as { io: Record<'clientSocket' | 'serverSocket', NodeJS.EventEmitter> }
    for (const socket of new Set([io.clientSocket, io.serverSocket])) {
      socket.on('message', (data: Buffer) => this.hear(where, data))
    }
  }

  close(): void {
    for (const close of this.#closing.splice(0)) close()
  }
}

function spellings(secret: Buffer): Record<string, Buffer> {
  const base64 = secret.toString('base64').replace(/=+$/, '')
  return {
    bytes: secret,
    hex: Buffer.from(secret.toString('hex')),
    'z-base-32': Buffer.from(z32.encode(secret)),
    base64: Buffer.from(base64),
    base64url: Buffer.from(secret.toString('base64url'))
  }
}
