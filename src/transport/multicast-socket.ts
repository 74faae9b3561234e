import { createSocket, type Socket } from 'node:dgram'
import { BlockList, isIPv4 } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { systemCode } from '../base/errors.js'

export const MDNS_PORT = 5353

const GROUP_4 = '224.0.0.251'
const GROUP_6 = 'ff02::fb'
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/i
const MAX_INTERFACES = 32

/** An interface of this machine, by one of its addresses. */
export interface Interface {
  /** The address to send from; an IPv6 address of one link carries its zone (`fe80::1%eth0`). */
  address: string
  /** The network around it. */
  cidr: string
  /** Where multicast DNS goes: the group, for IPv6 with the zone of this interface. */
  group: string
  /** What tells the system which interface is meant. */
  selector: string
}

export interface OpenSocket {
  socket: Socket
  /** False when another program keeps port 5353 for itself: then only answers to our own questions arrive. */
  hears: boolean
  close(): void
}

/** A socket for multicast DNS that sends through one interface only; null when there is none to be had. */
export async function openSocket(one: Interface): Promise<OpenSocket | null> {
  // Bound to the group itself it receives nothing but multicast; Windows has to bind to any address.
  const any = isIPv4(one.address) ? '0.0.0.0' : '::'
  const shared = await tryBind(process.platform === 'win32' ? any : one.group, MDNS_PORT, one)
  if (typeof shared !== 'string') return { socket: shared, hears: true, close: () => shared.close() }
  if (shared !== 'EADDRINUSE' && shared !== 'EACCES') return null
  const own = await tryBind(one.address, 0, one)
  return typeof own === 'string' ? null : { socket: own, hears: false, close: () => own.close() }
}

/** The socket, or the code of what went wrong. */
function tryBind(host: string, port: number, one: Interface): Promise<Socket | string> {
  return new Promise((resolve) => {
    const ipv4 = isIPv4(one.address)
    const reuseAddr = port !== 0
    const socket = createSocket(ipv4 ? { type: 'udp4', reuseAddr } : { type: 'udp6', ipv6Only: true, reuseAddr })
    const fail = (error: unknown) => {
      socket.close()
      resolve(systemCode(error) || 'UNKNOWN')
    }
    socket.once('error', fail)
    socket.bind({ port, address: host }, () => {
      try {
        // All of it or nothing: without the interface a packet would leave by the default route.
        socket.setMulticastInterface(one.selector)
        if (port !== 0) socket.addMembership(ipv4 ? GROUP_4 : GROUP_6, one.selector)
        socket.setMulticastTTL(255)
        socket.setMulticastLoopback(true)
      } catch (error) {
        return fail(error)
      }
      socket.off('error', fail)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

/**
 * The interfaces to use: each that has IPv4, and each that has a link-local IPv6 address, apart; or the one with this
 * address, if it is there.
 */
export function interfacesToUse(only: string | null, interfaces = networkInterfaces()): Interface[] {
  const found: Interface[] = []
  for (const [name, list = []] of Object.entries(interfaces)) {
    if (only !== null) {
      const [plain, zone] = only.split('%')
      const one = list.find(({ address }) => address === plain)
      if (one && (zone === undefined || zone === zoneOf(name, one))) found.push(describe(name, one))
      continue
    }
    // Addresses of one interface share its link; one of each family is enough.
    const ipv4 = list.find(({ family }) => family === 'IPv4')
    const ipv6 = list.find(({ family, address }) => family === 'IPv6' && LINK_LOCAL.test(address))
    for (const one of [ipv4, ipv6]) if (one) found.push(describe(name, one))
  }
  return found.filter(({ cidr }) => cidr !== '').slice(0, MAX_INTERFACES)
}

function describe(name: string, one: NetworkInterfaceInfo): Interface {
  const cidr = one.cidr ?? ''
  if (one.family === 'IPv4') return { address: one.address, cidr, group: GROUP_4, selector: one.address }
  const zone = zoneOf(name, one)
  const address = LINK_LOCAL.test(one.address) ? `${one.address}%${zone}` : one.address
  return { address, cidr, group: `${GROUP_6}%${zone}`, selector: `::%${zone}` }
}

/** Windows numbers its zones, other systems call them like the interface. */
function zoneOf(name: string, one: NetworkInterfaceInfo): string {
  return process.platform === 'win32' && one.family === 'IPv6' ? String(one.scopeid) : name
}

/** True when a packet from this sender belongs to the interface's link. Senders on IPv6 carry their zone. */
export function isFromLink({ address, cidr }: Interface, sender: string): boolean {
  if (isIPv4(address)) return isIPv4(sender) && contains(cidr, sender)
  const zone = address.split('%')[1]
  return sender === address || (zone !== undefined && LINK_LOCAL.test(sender) && sender.split('%')[1] === zone)
}

/** True when the address belongs to the IPv4 network. */
function contains(cidr: string, address: string): boolean {
  const [network = '', prefix = '32'] = cidr.split('/')
  const list = new BlockList()
  list.addSubnet(network, Number(prefix))
  return list.check(address)
}
