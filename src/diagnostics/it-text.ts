import { wrap } from '../base/wrap.js'
import type { VerdictCode } from './advice.js'
import type { Evidence } from './evidence.js'

const MAIL_COLUMNS = 76

const WHAT =
  'We share research data with other institutions with "dat", an open source program that sends files directly from ' +
  'one computer to another.'

const SAFE = [
  'Why this is safe:',
  '- Every connection is encrypted from end to end (Noise protocol). Only who was given the link of a share can read ' +
    'it, and nobody but its owner can change it.',
  '- Only connections that this computer begins are needed. No port has to be opened for incoming connections, and ' +
    'nobody needs the rights of an administrator.',
  '- The program runs only while a user runs it, and shares only the folder that the user names.'
].join('\n')

/** The text for the IT department: protocols, hosts, ports, direction, why it is safe, what happens without it. */
export function itText(code: VerdictCode, evidence: Evidence): string {
  const subject = `Subject: ${SUBJECT[code]}`
  const parts = [subject, 'Dear colleagues,', WHAT, ...request(code, evidence), SAFE, without(code), 'Thank you.']
  return wrap(parts.join('\n\n'), MAIL_COLUMNS).join('\n')
}

const ALLOW_UDP = 'Please allow outgoing UDP for data sharing with dat'
const SUBJECT: Record<VerdictCode, string> = {
  open: 'For your records: data sharing with dat',
  direct: 'For your records: data sharing with dat',
  'symmetric-nat': 'Data sharing with dat: NAT with stable ports, if possible',
  'udp-blocked': ALLOW_UDP,
  'web-only': ALLOW_UDP,
  'proxy-only': ALLOW_UDP,
  'lan-only': 'Internet access for data sharing with dat',
  offline: 'Network access for data sharing with dat',
  blocked: 'Please allow outgoing connections for data sharing with dat'
}

const FOUND: Record<VerdictCode, string> = {
  open: 'Nothing has to be changed. In this network it works directly, with:',
  direct: 'Nothing has to be changed. In this network it works directly, with:',
  'symmetric-nat':
    'From our network it works with most other institutions, but not with networks like ours: our NAT uses a new port ' +
    'for each destination. Either of these would help:',
  'udp-blocked': 'Our network lets no UDP out (TCP gets out). Please allow one of these for this computer:',
  'web-only': 'Our network lets out TCP to ports 80 and 443 only. Please allow one of these for this computer:',
  'proxy-only': 'Our network lets nothing out but by the web proxy. Please allow one of these for this computer:',
  'lan-only': 'This computer has no way out of the local network. Please allow one of these for it:',
  offline: 'This computer has no network connection. When it has one, this is what the program needs:',
  blocked: 'Our network lets nothing out from this computer. Please allow one of these for it:'
}

function request(code: VerdictCode, evidence: Evidence): string[] {
  const found = FOUND[code]
  if (code === 'open' || code === 'direct') return [found, udp(evidence)]
  const nat =
    'Endpoint-independent mapping (RFC 4787, REQ-1) for outgoing UDP of this computer, also called cone NAT, static ' +
    'port or persistent NAT.'
  const first = code === 'symmetric-nat' ? nat : `${udp(evidence)} This is the better way: fast, and nobody in between.`
  return [found, `1. ${first}`, `2. ${relay(evidence)}`]
}

function udp({ udp: found }: Evidence): string {
  const nodes = (found.facts?.nodes ?? []).map(({ host, port }) => `${host}:${port}`)
  const first = nodes.length > 0 ? ` The program begins with ${nodes.join(', ')}.` : ''
  return (
    'Outgoing UDP to any address and any port, and the answers to it (stateful, as for video conferences). The other ' +
    `end is a computer at another institution, so address and port are not known beforehand.${first}`
  )
}

function relay({ relays, proxy }: Evidence): string {
  const hosts = relays.flatMap(({ facts }) => (facts ? [`${facts.host}, port ${facts.port}`] : []))
  const to = hosts.length > 0 ? hosts.join('; ') : 'the relay that we will use (a host that we will name), port 443'
  const by = proxy.facts ? `, directly or by CONNECT through the proxy ${proxy.facts.proxy}` : ''
  return (
    `Outgoing TCP to ${to}${by} (WebSocket over TLS, without inspection of TLS). All data then goes through this ` +
    'relay, still encrypted from end to end: the relay cannot read it.'
  )
}

function without(code: VerdictCode): string {
  if (code === 'open' || code === 'direct') return 'If this is blocked one day, transfers become slow or impossible.'
  if (code === 'symmetric-nat') return 'Without it, transfers to some institutions are not possible.'
  return (
    'Without it, the data has to be sent on disks or over the servers of others. With the second way alone it works, ' +
    'but slower.'
  )
}
