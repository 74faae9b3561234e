import { createSocket, type Socket } from 'node:dgram'
import { systemCode } from '../base/errors.js'
import type { HostPort } from '../transport/transport.js'
import type { UdpOutcome } from './evidence.js'
import { obstacleOf } from './obstacle.js'

/** One byte, which DHT nodes ignore: here only what the network says about it counts. */
const PROBE = Buffer.from([0])
/** When to send, in ms: routers send few ICMP messages a second, and some get lost. */
const SEND_AT_MS = [0, 30, 400, 1100, 1800, 2500]

/**
 * Tells which way UDP packets are refused. Only a connected socket hears of that; those of the DHT are not connected.
 */
export class Refusals {
  readonly #sockets: Socket[] = []
  readonly #timers: NodeJS.Timeout[] = []
  readonly #heard = new Map<string, UdpOutcome>()

  constructor(nodes: readonly HostPort[]) {
    for (const node of nodes) this.#listen(node)
  }

  /** What was heard about this node; null for nothing. */
  of({ host, port }: HostPort): UdpOutcome | null {
    return this.#heard.get(`${host} ${port}`) ?? null
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const socket of this.#sockets) socket.close()
    this.#sockets.length = 0
  }

  #listen({ host, port }: HostPort): void {
    const socket = createSocket('udp4')
    this.#sockets.push(socket)
    const note = (error: unknown) => {
      const outcome = obstacleOf(systemCode(error))
      if (outcome && !this.#heard.has(`${host} ${port}`)) this.#heard.set(`${host} ${port}`, outcome)
    }
    socket.on('error', note)
    const send = () => {
      try {
        socket.send(PROBE, (error) => error && note(error))
      } catch (error) {
        note(error)
      }
    }
    socket.once('connect', () => {
      for (const ms of SEND_AT_MS) this.#timers.push(setTimeout(send, ms))
    })
    try {
      socket.connect(port, host)
    } catch (error) {
      note(error)
    }
  }
}
