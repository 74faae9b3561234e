import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import crypto from 'hypercore-crypto'
import type { DatEvent } from '../../src/base/events.js'
import { connect } from '../../src/transport/connector.js'
import type { ConnectOptions, Network, NoiseStream, Peer } from '../../src/transport/transport.js'
import { defer } from '../helpers/cleanup.js'

type Type = DatEvent['type']
export type EventOf<T extends Type> = Extract<DatEvent, { type: T }>

export function newTopic(): Buffer {
  return crypto.randomBytes(32)
}

/** A connector under test: it keeps everything that it was told, and can wait for more. Loopback only. */
export class TestPeer {
  readonly events: DatEvent[] = []
  readonly handed: Peer[] = []
  readonly received: string[] = []
  network!: Network
  readonly #waiting = new Set<() => void>()

  static async open(options: Partial<ConnectOptions> & { topic: Buffer }): Promise<TestPeer> {
    const peer = new TestPeer()
    peer.network = await connect({
      dht: false,
      bootstrap: [],
      lan: false,
      lanInterface: '127.0.0.1',
      listen: null,
      peers: [],
      report: (event) => {
        peer.events.push(event)
        peer.#notify()
      },
      onpeer: (found, network) => {
        // These peers have no way to prove anything to each other.
        network.trust(found.stream)
        peer.#onpeer(found)
      },
      ...options
    })
    defer(() => peer.network.close())
    return peer
  }

  #onpeer(found: Peer): void {
    this.handed.push(found)
    found.stream.on('data', (data: Buffer) => {
      this.received.push(data.toString())
      this.#notify()
    })
    found.stream.on('close', () => this.#notify())
    found.stream.write(Buffer.from(`by ${found.route}`))
    this.#notify()
  }

  #notify(): void {
    for (const look of this.#waiting) look()
  }

  /** Resolves when the condition holds; looked at whenever something happens here. */
  until(holds: () => boolean, what: string, limit = 8000): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        if (error) reject(error)
        else resolve()
      }
      const look = () => {
        if (holds()) done()
      }
      const timer = setTimeout(
        () => done(new Error(`not in ${limit} ms: ${what}; saw ${JSON.stringify(this.events)}`)),
        limit
      )
      this.#waiting.add(look)
      look()
    })
  }

  all<T extends Type>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type)
  }

  /** Resolves with the event of this type that came as number `n` (from 1). */
  async event<T extends Type>(type: T, n = 1, limit = 8000): Promise<EventOf<T>> {
    await this.until(() => this.all(type).length >= n, `${type} number ${n}`, limit)
    return this.all(type)[n - 1] as EventOf<T>
  }

  /** Streams that were handed out and are still open. */
  get open(): NoiseStream[] {
    return this.handed.map(({ stream }) => stream).filter((stream) => !stream.destroyed)
  }

  /** The one peer that is connected. */
  get only(): Peer {
    const [peer, ...others] = this.network.peers.values()
    if (!peer || others.length > 0) throw new Error(`expected one peer, there are ${this.network.peers.size}`)
    return peer
  }
}

/** Resolves when each of the two has one open stream, and it is the same one. */
export async function agreed(a: TestPeer, b: TestPeer): Promise<void> {
  const holds = () =>
    a.open.length === 1 && b.open.length === 1 && a.only.stream.handshakeHash.equals(b.only.stream.handshakeHash)
  // Either may be the last to notice.
  await Promise.any([a.until(holds, 'one stream'), b.until(holds, 'one stream')])
}

/** A peer in a process of its own (it runs the built code, so build first). */
export class ChildPeer {
  readonly events: Array<{ type: string; [key: string]: unknown }> = []
  readonly process: ChildProcess
  readonly #waiting = new Set<() => void>()

  constructor(options: Partial<ConnectOptions> & { topic: Buffer }) {
    const program = fileURLToPath(new URL('./transport-child.js', import.meta.url))
    const full = {
      dht: false,
      bootstrap: [],
      lan: false,
      lanInterface: '127.0.0.1',
      listen: null,
      peers: [],
      ...options
    }
    const argument = JSON.stringify({ ...full, topic: options.topic.toString('hex') })
    this.process = fork(program, [argument], { stdio: ['pipe', 'pipe', 'inherit', 'ipc'] })
    if (this.process.stdout) {
      createInterface(this.process.stdout).on('line', (line) => {
        this.events.push(JSON.parse(line))
        for (const look of this.#waiting) look()
      })
    }
    defer(() => this.kill())
  }

  event(type: string, n = 1, limit = 8000): Promise<{ type: string; [key: string]: unknown }> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${type}; saw ${JSON.stringify(this.events)}`)), limit)
      const look = () => {
        const found = this.events.filter((event) => event.type === type)[n - 1]
        if (!found) return
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
    })
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const exited = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await exited
  }
}

/** A TCP forwarder on 127.0.0.1, to open and cut a way between two peers at will. */
export class Forwarder {
  readonly #sockets = new Set<Socket>()
  #server: Server | null = null
  port = 0
  accepted = 0

  async listen(target: number): Promise<void> {
    const server = createServer((socket) => {
      this.accepted++
      const onward = connectSocket({ host: '127.0.0.1', port: target })
      for (const one of [socket, onward]) {
        this.#sockets.add(one)
        one.on('error', () => {})
        one.on('close', () => {
          this.#sockets.delete(one)
          socket.destroy()
          onward.destroy()
        })
      }
      socket.pipe(onward).pipe(socket)
    })
    this.#server = server
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = portOf(server)
    defer(() => this.close())
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    this.cut()
    await closed
  }
}

/** A port of 127.0.0.1 on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
