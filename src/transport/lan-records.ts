import crypto from 'hypercore-crypto'
import type { Answer, Packet } from 'multicast-dns'

/** How dat looks on the local network: DNS-SD service `_dat._tcp`, one instance name per share. */
export const SERVICE = '_dat._tcp.local'

const TTL_SECONDS = 120
const MAX_RECORDS = 64
const ID = /^id=([0-9a-f]{32})$/

/** One process that has the share, as it announces itself. */
export interface Announcement {
  /** Says which process it is, so that two on one host are told apart. */
  id: string
  port: number
  /** It is going away. */
  goodbye: boolean
}

/**
 * The name under which a share is announced. A hash of the discovery key, itself a hash of the link's key: who knows
 * the link finds the name, who hears the name learns neither.
 */
export function instanceName(topic: Buffer): string {
  const hash = crypto.hash([Buffer.from('dat/lan/topic'), topic])
  return `${hash.subarray(0, 20).toString('hex')}.${SERVICE}`
}

/** The id of the process with this key. Made from the key, so that a connection tells which announcement it covers. */
export function instanceId(publicKey: Uint8Array): string {
  return crypto
    .hash([Buffer.from('dat/lan/id'), publicKey])
    .subarray(0, 16)
    .toString('hex')
}

/** The records that announce one process; a goodbye takes them back. */
export function announce(name: string, { id, port, goodbye }: Announcement): Answer[] {
  const ttl = goodbye ? 0 : TTL_SECONDS
  // Several processes share the name, so no record says that it is the only one (no cache-flush bit).
  return [
    { name, type: 'SRV', ttl, data: { port, target: `${id}.local`, priority: 0, weight: 0 } },
    { name, type: 'TXT', ttl, data: [Buffer.from(`id=${id}`)] }
  ]
}

/** True when the packet asks for the share of this name. */
export function asksFor(name: string, packet: Packet): boolean {
  return (packet.questions ?? [])
    .slice(0, MAX_RECORDS)
    .some((question) => sameName(question.name, name) && ['SRV', 'TXT', 'ANY'].includes(question.type))
}

/** The process that the packet announces under this name, or null. Anything at all may come in a packet. */
export function readAnnouncement(name: string, packet: Packet): Announcement | null {
  const records = [...(packet.answers ?? []).slice(0, MAX_RECORDS), ...(packet.additionals ?? []).slice(0, MAX_RECORDS)]
  const mine = records.filter((record) => sameName(record.name, name))
  const service = mine.find(({ type }) => type === 'SRV')
  const port = (service?.data as { port?: unknown } | null | undefined)?.port
  const id = mine.map(readId).find((found) => found !== null)
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535 || !id) return null
  return { id, port, goodbye: service?.ttl === 0 }
}

function readId({ type, data }: Answer): string | null {
  if (type !== 'TXT') return null
  for (const entry of Array.isArray(data) ? data : [data]) {
    const text = Buffer.isBuffer(entry) && entry.length <= 64 ? entry.toString('latin1') : ''
    const id = ID.exec(text)?.[1]
    if (id) return id
  }
  return null
}

function sameName(found: unknown, name: string): boolean {
  return typeof found === 'string' && found.length === name.length && found.toLowerCase() === name
}
