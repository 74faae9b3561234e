import type { NoiseStream } from './transport.js'

const CLOSE_MS = 3000

/** True while a stream can be used. */
export function isLive(stream: NoiseStream): boolean {
  return !stream.destroying && !stream.destroyed
}

/** Sends what was written, says goodbye, and insists after a while. Resolves when the stream is closed. */
export function closeGently(stream: NoiseStream, limit = CLOSE_MS): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed) return resolve()
    const timer = setTimeout(() => stream.destroy(), limit)
    stream.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    if (!stream.destroying) stream.end()
  })
}

/** Lets the other end know that this stream works. */
export function sendAlive(stream: NoiseStream): void {
  if (isLive(stream)) stream.sendKeepAlive()
}

/**
 * Resolves when the first packet came through a stream of Hyperswarm. Its 'open' proves nothing: the handshake went
 * through the DHT, the stream itself may lead nowhere. Each end sends a header as soon as it opens, whether or not
 * anything is written, so waiting for the other's header cannot end in both waiting.
 * @param limit in milliseconds
 * @returns false when nothing came in time, or the stream was closed
 */
export function firstData(stream: NoiseStream, limit: number): Promise<boolean> {
  const raw = stream.rawStream
  return new Promise((resolve) => {
    if ((raw as { bytesReceived?: number }).bytesReceived) return resolve(isLive(stream))
    const settle = (came: boolean) => {
      clearTimeout(timer)
      raw.off('data', ondata)
      stream.off('close', onclose)
      resolve(came)
    }
    const ondata = () => settle(isLive(stream))
    const onclose = () => settle(false)
    const timer = setTimeout(() => settle(false), limit)
    raw.on('data', ondata)
    stream.on('close', onclose)
  })
}
