import type { WebSocket } from 'ws'
import type { LaneStream } from './lane-stream.js'

/** How long a socket may take to send the rest and say goodbye. */
const CLOSE_MS = 2000

/**
 * Makes an open WebSocket a lane of the stream, from the next message on. A text message on it ends the stream.
 * The caller has handled the socket's 'error' events.
 */
export function attachLane(stream: LaneStream, socket: WebSocket): void {
  const input = stream.addLane({
    send: (frame) => socket.send(frame, { binary: true, compress: false }),
    get buffered() {
      return socket.bufferedAmount
    },
    close: () => closeSocket(socket)
  })
  socket.on('message', (data, isBinary) => {
    if (isBinary && Buffer.isBuffer(data)) input.receive(data)
    else stream.destroy(new Error('the relay does not keep to the protocol'))
  })
  socket.once('close', () => input.closed())
}

/** Closes in good order; a socket that doesn't answer is cut off. */
export function closeSocket(socket: WebSocket, code = 1000): void {
  if (socket.readyState === socket.CLOSED) return
  const timer = setTimeout(() => socket.terminate(), CLOSE_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.close(code)
}
