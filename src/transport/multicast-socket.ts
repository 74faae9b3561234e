import { createSocket, type Socket } from 'node:dgram'
import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'
import { systemCode } from '../base/errors.js'

export const MDNS_PORT = 5353

const GROUP = '224.0.0.251'
const MAX_INTERFACES = 32

/** An IPv4 address of this machine, and the network around it. */
export interface Interface {
  address: string
  cidr: string
}

export interface OpenSocket {
  socket: Socket
  /** False when another program keeps port 5353 for itself: then only answers to our own questions arrive. */
  hears: boolean
  close(): void
}

/** A socket for multicast DNS that sends through one interface only; null when there is none to be had. */
export async function openSocket(address: string): Promise<OpenSocket | null> {
  // Bound to the group itself it receives nothing but multicast; Windows has to bind to any address.
  const group = process.platform === 'win32' ? '0.0.0.0' : GROUP
  const shared = await tryBind(group, MDNS_PORT, address)
  if (typeof shared !== 'string') return { socket: shared, hears: true, close: () => shared.close() }
  if (shared !== 'EADDRINUSE' && shared !== 'EACCES') return null
  const own = await tryBind(address, 0, address)
  return typeof own === 'string' ? null : { socket: own, hears: false, close: () => own.close() }
}

/** The socket, or the code of what went wrong. */
function tryBind(host: string, port: number, address: string): Promise<Socket | string> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: port !== 0 })
    const fail = (error: unknown) => {
      socket.close()
      resolve(systemCode(error) || 'UNKNOWN')
    }
    socket.once('error', fail)
    socket.bind({ port, address: host }, () => {
      try {
        // All of it or nothing: without the interface a packet would leave by the default route.
        socket.setMulticastInterface(address)
        if (port !== 0) socket.addMembership(GROUP, address)
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

/** The interfaces to use: all that have IPv4, or the one with this address, if it is there. */
export function interfacesToUse(only: string | null): Interface[] {
  const found: Interface[] = []
  for (const list of Object.values(networkInterfaces())) {
    const usable = (list ?? []).filter(({ family }) => family === 'IPv4')
    // Addresses of one interface share its link; one of them is enough.
    const one = only === null ? usable[0] : usable.find(({ address }) => address === only)
    if (one?.cidr) found.push({ address: one.address, cidr: one.cidr })
  }
  return found.slice(0, MAX_INTERFACES)
}

/** True when the address belongs to the network. */
export function contains(cidr: string, address: string): boolean {
  const [network = '', prefix = '32'] = cidr.split('/')
  const list = new BlockList()
  list.addSubnet(network, Number(prefix))
  return list.check(address)
}
