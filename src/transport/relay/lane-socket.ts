import type { WebSocket } from 'ws'
import type { RelayAccess } from '../transport.js'
import { encodeMessage, parseRelayMessage } from './protocol.js'
import { openSocket, RelayError } from './socket.js'
import { closeSocket } from './ws-lane.js'

/** Time for the other end to open its half of a lane. */
const PAIR_MS = 12_000

export interface LaneRequest {
  url: string
  access: RelayAccess
  /** Names our end of the circuit. */
  circuit: Buffer
  lane: number
  signal: AbortSignal
  /** Called with the socket as soon as the other end is there: what comes next is content. */
  onpaired: (socket: WebSocket) => void
}

/**
 * Opens a lane of a circuit. Resolves once it is paired.
 * @throws RelayError
 */
export async function openLane({ url, access, circuit, lane, signal, onpaired }: LaneRequest): Promise<void> {
  const socket = await openSocket(url, access, signal)
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: RelayError) => {
      clearTimeout(timer)
      socket.off('message', onmessage)
      socket.off('close', onclose)
      if (error) closeSocket(socket)
      if (error) reject(error)
      else resolve()
    }
    const onmessage = (data: unknown, isBinary: boolean) => {
      const message = isBinary || !Buffer.isBuffer(data) ? null : parseRelayMessage(data.toString())
      if (message?.type !== 'paired') return settle(new RelayError('it does not keep to the protocol'))
      settle()
      onpaired(socket)
    }
    const onclose = () => settle(new RelayError('it closed the connection'))
    const timer = setTimeout(() => settle(new RelayError('the other end did not come')), PAIR_MS)
    socket.on('message', onmessage)
    socket.once('close', onclose)
    socket.send(encodeMessage({ type: 'lane', circuit, lane }))
  })
}
