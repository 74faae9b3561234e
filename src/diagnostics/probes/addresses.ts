import { networkInterfaces } from 'node:os'
import type { AddressFacts } from '../evidence.js'
import type { ProbeContext, ProbeResult } from '../probe.js'

/** How interfaces of VPNs are called on Linux, macOS and Windows. */
const VPN = /^(?:tun|tap|wg|utun|ppp|ipsec|nordlynx|tailscale|zt|cscotun|gpd)\d*|vpn|wireguard|anyconnect/i
const MAX_ADDRESSES = 16

/** The addresses of this computer. */
export async function addresses(_context: ProbeContext): Promise<ProbeResult<AddressFacts>> {
  const facts: AddressFacts = { ipv4: [], ipv6: [], linkLocal: false, vpn: [] }
  let connected = false
  for (const [name, list] of Object.entries(networkInterfaces())) {
    connected ||= (list ?? []).some(({ internal }) => !internal)
    const usable = (list ?? []).filter(({ internal, address }) => !internal && !linkLocal(address))
    for (const { family, address } of usable) facts[family === 'IPv4' ? 'ipv4' : 'ipv6'].push(address)
    if (usable.length > 0 && VPN.test(name)) facts.vpn.push(name)
  }
  facts.ipv4 = facts.ipv4.slice(0, MAX_ADDRESSES)
  facts.ipv6 = facts.ipv6.slice(0, MAX_ADDRESSES)
  const parts = [facts.ipv4[0] ?? 'no IPv4', facts.ipv6.length > 0 ? 'IPv6' : 'no IPv6']
  if (facts.vpn.length > 0) parts.push(`VPN (${facts.vpn.join(', ')})`)
  if (facts.ipv4.length + facts.ipv6.length === 0) {
    facts.linkLocal = connected
    return { status: 'fail', summary: connected ? 'connected, but nobody gave an address' : 'not connected', facts }
  }
  return { status: 'ok', summary: parts.join(', '), facts }
}

/** An address that a computer gives itself when nobody else does. */
function linkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab]/i.test(address)
}
