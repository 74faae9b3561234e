import { isIP, isIPv4 } from 'node:net'
import { DatError } from '../base/errors.js'
import type { HostPort } from './transport.js'

const HOST_NAME = /^[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_.])?$/i

/**
 * Reads `host:port`, `[::1]:port` or a port alone, whose host is then '' (every address of this machine).
 * Port 0 is accepted, since a listener may ask for a free one.
 * @throws DatError USAGE
 */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([^\]]+)\]:|([^:]*):)?(\d{1,5})$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2] ?? ''
  const port = Number(match?.[3] ?? -1)
  const known = match?.[1] === undefined ? host === '' || HOST_NAME.test(host) : isIP(host) === 6
  if (!match || !known || port < 0 || port > 65535) {
    throw new DatError('USAGE', `"${text}" is not an address`, {
      hint: 'write it as host:port, such as 192.168.1.20:4000 or [::1]:4000'
    })
  }
  return { host, port }
}

/** `host:port`, with the brackets that an IPv6 address needs. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The plain IPv4 address inside `::ffff:a.b.c.d`, as sockets that listen on both families name their peers. */
export function plainAddress(address: string): string {
  const mapped = address.startsWith('::ffff:') ? address.slice(7) : ''
  return isIPv4(mapped) ? mapped : address
}

/** True for names and addresses that cannot leave this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
