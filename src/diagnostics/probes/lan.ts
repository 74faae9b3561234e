import { randomBytes } from 'node:crypto'
import multicastDns, { type Packet } from 'multicast-dns'
import { isLoopback } from '../../transport/host-port.js'
import { SERVICE } from '../../transport/lan-records.js'
import {
  type Interface,
  interfacesToUse,
  MDNS_PORT,
  type OpenSocket,
  openSocket
} from '../../transport/multicast-socket.js'
import { deadline, pause } from '../deadline.js'
import type { LanFacts } from '../evidence.js'
import { type ProbeContext, type ProbeResult, skipped } from '../probe.js'

const WAIT_MS = 900
const AGAIN_MS = 250
/** Longer than both together. */
const LONG_MS = 5000

/**
 * Multicast on the local network: a question on each interface by one socket must be heard by another. That proves
 * this computer's own part; whether the switches pass it on, only another computer with dat could tell.
 */
export async function lan({ options, signal }: ProbeContext): Promise<ProbeResult<LanFacts>> {
  if (!options.network.lan) return skipped('not used')
  const interfaces = interfacesToUse(options.network.lanInterface)
  if (interfaces.length === 0) return { status: 'unknown', summary: 'no interface', facts: null }
  const heard = await Promise.all(interfaces.map((one) => hears(one, signal)))
  const facts: LanFacts = {
    interfaces: interfaces.map(({ address }, i) => ({ address, heard: heard[i] === true }))
  }
  // Loopback says something only when it was asked for by itself.
  const counts = facts.interfaces.filter(({ address }) => options.network.lanInterface !== null || !isLoopback(address))
  if (counts.length === 0) return { status: 'unknown', summary: 'no network but this computer', facts }
  const known = counts.filter(({ address }) => heard[interfaces.findIndex((one) => one.address === address)] !== null)
  if (known.length === 0) return { status: 'unknown', summary: 'another program keeps the port', facts }
  if (counts.some((one) => one.heard)) return { status: 'ok', summary: 'works on this computer', facts }
  return { status: 'fail', summary: 'blocked on this computer', facts }
}

/** True when a multicast packet comes back; null when that cannot be tested. */
async function hears(one: Interface, signal: AbortSignal): Promise<boolean | null> {
  const listener = await openSocket(one)
  const sender = listener && (await openSocket(one))
  if (!listener?.hears || !sender) {
    listener?.close()
    sender?.close()
    return null
  }
  const name = `${randomBytes(20).toString('hex')}.${SERVICE}`
  const caught = deadline(LONG_MS, signal)
  let found = false
  const ears = wrap(listener, one)
  const mouth = wrap(sender, one)
  ears.on('query', (packet: Packet) => {
    if (!packet.questions?.some((question) => question.name === name)) return
    found = true
    caught.abort()
  })
  const ask = () => mouth.query({ questions: [{ name, type: 'TXT' }] }, null, () => {})
  try {
    ask()
    await pause(AGAIN_MS, caught.signal)
    if (!found) ask()
    await pause(WAIT_MS, caught.signal)
  } catch {
    return false
  } finally {
    caught.close()
    ears.destroy()
    mouth.destroy()
  }
  return found
}

function wrap({ socket }: OpenSocket, { address, group }: Interface) {
  const options = { socket, bind: false as const, multicast: false, port: MDNS_PORT, ip: group, interface: address }
  const dns = multicastDns(options)
  dns.on('error', () => {})
  dns.on('warning', () => {})
  return dns
}
