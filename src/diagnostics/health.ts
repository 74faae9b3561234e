import { request } from 'node:http'
import type { Duplex } from 'node:stream'
import { dateOf } from './proxy-connect.js'

/** What one small HTTP request on an open connection shows. */
export interface Health {
  /** Milliseconds until the answer; null when there was none. */
  roundTrip: number | null
  /** The server's `Date` minus this clock, in ms. */
  clockOff: number | null
}

/** `GET /healthz` on a connection that is open already. The path of the URL may be secret and is not used. */
export function healthOf(socket: Duplex, url: URL, signal: AbortSignal): Promise<Health> {
  return new Promise((resolve) => {
    const began = performance.now()
    const settle = (health: Health) => {
      signal.removeEventListener('abort', onabort)
      get.off('error', onabort)
      get.off('close', onabort)
      get.on('error', () => {})
      get.destroy()
      resolve(health)
    }
    const onabort = () => settle({ roundTrip: null, clockOff: null })
    const get = request({
      createConnection: () => socket,
      path: '/healthz',
      headers: { Host: url.host, Connection: 'close' }
    })
    get.on('error', onabort)
    // Not even an error: a server that upgrades a connection of which nobody asked it that.
    get.on('close', onabort)
    get.on('response', (response) => {
      response.on('error', () => {})
      const date = dateOf(response.headers.date)
      // A `Date` has whole seconds: half a second is the best guess.
      const clockOff = date === null ? null : date + 500 - Date.now()
      settle({ roundTrip: performance.now() - began, clockOff })
    })
    signal.addEventListener('abort', onabort, { once: true })
    if (signal.aborted) return onabort()
    get.end()
  })
}
