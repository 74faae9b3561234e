import type { NoiseStream } from './transport.js'

const CLOSE_MS = 3000
/** How often a silence is looked at while it may last. */
const SILENCE_LOOKS = 10

/** True while a stream can be used. */
export function isLive(stream: NoiseStream): boolean {
  return !stream.destroying && !stream.destroyed
}

/** True for a stream over UDX, which takes whatever arrives and has no way to hold its sender back. */
export function isUdx(stream: NoiseStream): boolean {
  return 'changeRemote' in stream.rawStream
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

/**
 * Bytes that have arrived through a stream, those of unfinished messages included: `rawBytesRead` counts whole messages
 * only, and one of a megabyte may take a minute.
 */
export function bytesHeard(stream: NoiseStream): number {
  const { bytesRead, bytesReceived } = stream.rawStream as { bytesRead?: number; bytesReceived?: number }
  return bytesReceived ?? bytesRead ?? stream.rawBytesRead
}

/** The address of the other end; null by a relay, whose own address says nothing about who comes by it. */
export function remoteAddress(stream: NoiseStream): string | null {
  const { remoteAddress: tcp, remoteHost: udx } = stream.rawStream as { remoteAddress?: string; remoteHost?: string }
  return tcp ?? udx ?? null
}

/** What was written into a stream and the network has not taken yet. */
export function unsent(stream: NoiseStream): { bytes: number; messages: number } {
  const own = (stream as unknown as Streamx)._writableState
  const raw = stream.rawStream as unknown as Partial<Streamx> & { writableLength?: number }
  const below = raw.writableLength ?? raw._writableState?.buffered ?? 0
  return { bytes: own.buffered + below, messages: own.queue.length }
}

/** What streamx tells of a stream's queue. */
interface Streamx {
  readonly _writableState: { readonly buffered: number; readonly queue: { readonly length: number } }
}

/**
 * Destroys a stream through which nothing has arrived for so long. The time-out of secret-stream would count from the
 * last piece that was handed up: UDX gathers 64 KiB first, and while a limit pauses the reading nothing is handed up.
 * @param limit in milliseconds
 */
export function endWhenSilent(stream: NoiseStream, limit: number): void {
  let heard = bytesHeard(stream)
  let since = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    const paused = (stream.rawStream as { readableFlowing?: boolean | null }).readableFlowing === false
    if (paused || bytesHeard(stream) !== heard) {
      heard = bytesHeard(stream)
      since = now
    } else if (now - since >= limit) stream.destroy(new Error('nothing was heard of the other end'))
  }, limit / SILENCE_LOOKS)
  timer.unref()
  stream.once('close', () => clearInterval(timer))
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
