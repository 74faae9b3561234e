import DHT from 'hyperdht'
import { isLoopback } from '../transport/host-port.js'
import type { HostPort } from '../transport/transport.js'
import { deadline, orNull, pause } from './deadline.js'

/** Where a node saw a packet of ours come from, and how long its answer took in ms. */
export interface Answer {
  node: HostPort
  seenAs: HostPort
  ms: number
}

/** hyperdht's command for "answer to my other port" (dht-rpc, lib/commands.js). */
const PING_NAT = 1
const MAX_NODES = 8
const CLOSE_MS = 300
/** Longer than any probe takes: its own deadline comes first. */
const LONG_MS = 30_000

/** What is used of hyperdht beyond its public face; pinned to the version in package.json. */
interface Inside {
  io: { serverSocket: Socket | null }
  toArray(options: { limit: number }): HostPort[]
  _request(
    to: { id: null; host: string; port: number },
    force: boolean,
    internal: boolean,
    command: number,
    target: null,
    value: Buffer,
    session: null,
    onresponse: () => void,
    onerror: () => void
  ): unknown
}
interface Socket {
  address(): HostPort | null
  on(event: 'message', listener: (data: Buffer, from: HostPort) => void): void
  off(event: 'message', listener: (data: Buffer, from: HostPort) => void): void
}

/** A node of the DHT that only asks. Nothing is announced or looked up. */
export class DhtClient {
  readonly #dht: DHT
  readonly #inside: Inside
  readonly #first: HostPort[]
  readonly #ready: Promise<unknown>

  /** @param nodes addresses, no names: hyperdht would look them up one after the other */
  constructor(nodes: HostPort[]) {
    this.#first = nodes
    const local = nodes.every(({ host }) => isLoopback(host))
    this.#dht = new DHT({ bootstrap: nodes, ephemeral: true, ...(local && { host: '127.0.0.1' }) })
    this.#inside = this.#dht as unknown as Inside
    this.#ready = this.#dht.fullyBootstrapped().catch(() => {})
  }

  /** Asks a node for a sign of life; null when it gives none. Repeats the question three times, a second apart. */
  async ping(node: HostPort, signal: AbortSignal): Promise<Answer | null> {
    const began = performance.now()
    const answer = await orNull(
      this.#dht.ping(node).catch(() => null),
      signal
    )
    if (!answer) return null
    // hyperdht names the address that the node saw `to`.
    const seenAs = (answer as unknown as { to: HostPort }).to
    return { node, seenAs, ms: performance.now() - began }
  }

  /** The nodes it began with and others that these told of, each host once. */
  async nodes(signal: AbortSignal): Promise<HostPort[]> {
    await orNull(this.#ready, signal)
    const all = [...this.#first, ...this.#inside.toArray({ limit: MAX_NODES })]
    const seen = new Set<string>()
    return all.filter(({ host }) => !seen.has(host) && seen.add(host)).slice(0, MAX_NODES)
  }

  /**
   * Asks nodes to send a packet to a port that has never sent one to them. Returns the hosts whose packet came through.
   * @param enough stops when so many came
   */
  async reachBack(nodes: readonly HostPort[], enough: number, signal: AbortSignal): Promise<Set<string>> {
    const arrived = new Set<string>()
    const socket = this.#inside.io.serverSocket
    const port = socket?.address()?.port
    if (!socket || !port) return arrived
    const asked = new Set(nodes.map(({ host }) => host))
    const wait = deadline(LONG_MS, signal)
    const onmessage = (_data: Buffer, { host }: HostPort) => {
      if (asked.has(host)) arrived.add(host)
      if (arrived.size >= enough) wait.abort()
    }
    socket.on('message', onmessage)
    const value = Buffer.alloc(2)
    value.writeUInt16LE(port)
    for (const { host, port: to } of nodes) {
      this.#inside._request({ id: null, host, port: to }, false, true, PING_NAT, null, value, null, ignore, ignore)
    }
    await pause(LONG_MS, wait.signal)
    wait.close()
    socket.off('message', onmessage)
    return arrived
  }

  async close(): Promise<void> {
    const gone = this.#dht.destroy({ force: true }).catch(ignore)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS)
    })
    await Promise.race([gone, late])
    clearTimeout(timer)
  }
}

function ignore(): void {}
