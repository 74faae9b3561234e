import { CODES, describe, type Severity, type VerdictCode, WARNINGS, type WarningCode } from './advice.js'
import { clockWrong } from './clock.js'
import type { Evidence } from './evidence.js'
import { itText } from './it-text.js'
import { deadRelays, type Reading, read } from './reading.js'

export interface Warning {
  code: WarningCode
  title: string
  advice: string[]
}

/** What the doctor says in the end. */
export interface Verdict {
  code: VerdictCode
  severity: Severity
  /** False when the signs leave room for doubt; `doubt` says why. */
  certain: boolean
  doubt: string
  title: string
  /** What to do, the most effective first. */
  advice: string[]
  /** A text for the IT department. */
  itText: string
  warnings: Warning[]
  /** Beside the point, but good to know. */
  facts: string[]
  /** What `dat doctor` ends with: 0, 20 (only through a relay) or 21 (not at all). */
  exitCode: number
}

/** The verdict on a network: a pure function of what was found. */
export function judge(evidence: Evidence): Verdict {
  const reading = read(evidence)
  const { code, doubt } = decide(evidence, reading)
  const warnings = warn(code, evidence, reading).map((warning) => ({
    code: warning,
    title: WARNINGS[warning].title(evidence),
    advice: WARNINGS[warning].advice(evidence)
  }))
  const { severity, exitCode } = CODES[code]
  const { title, advice } = describe(code, evidence, reading)
  return {
    code,
    severity,
    certain: doubt === '',
    doubt,
    title,
    advice,
    itText: itText(code, evidence),
    warnings,
    facts: sideFacts(evidence),
    exitCode
  }
}

interface Decision {
  code: VerdictCode
  /** Why it may be otherwise; '' when it can't. */
  doubt: string
}

const sure = (code: VerdictCode): Decision => ({ code, doubt: '' })

function decide(evidence: Evidence, reading: Reading): Decision {
  const { udp, web, other, proxy, names } = reading
  if (udp === 'yes') return withUdp(evidence)
  if (other !== 'yes' && web !== 'yes' && proxy !== 'yes') return nothingOut(evidence, reading)
  const doubt = udp === 'unknown' ? udpDoubt(evidence) : ''
  if (other === 'yes') return { code: 'udp-blocked', doubt }
  if (web === 'yes') {
    if (other === 'no') return { code: 'web-only', doubt }
    return { code: 'web-only', doubt: doubt || 'whether other ports than 80 and 443 get out could not be found out' }
  }
  // Where not even names are known outside of the proxy, it is the only way.
  const clear = web === 'no' || names === 'no'
  const unclear = 'whether the web can be reached without the proxy is not clear'
  return { code: 'proxy-only', doubt: clear ? proxyDoubt(evidence) : unclear }
}

/** A proxy that reaches nobody may have nobody to reach, or be shut in itself: it says the same of both. */
function proxyDoubt({ proxy, relays }: Evidence): string {
  const outcomes = (proxy.facts?.connects ?? []).map(({ outcome }) => outcome)
  if (outcomes.includes('open') || relays.some(({ facts }) => facts?.proxied?.outcome === 'works')) return ''
  if (outcomes.includes('password')) return 'where the proxy leads will show when it is given user name and password'
  return 'the proxy has reached nobody so far, and may be shut in itself: name a server with --relay or --web'
}

function withUdp({ inbound, nat }: Evidence): Decision {
  if (inbound.status === 'ok') return sure('open')
  if (nat.facts?.randomized) return sure('symmetric-nat')
  if (nat.facts?.randomized === false) return sure('direct')
  return { code: 'direct', doubt: 'too few nodes of the DHT answered to tell what kind of NAT this network has' }
}

function nothingOut(evidence: Evidence, reading: Reading): Decision {
  const { web, other, names, noRoute, nobodyAsked, serverSilent } = reading
  const { facts } = evidence.addresses
  if (facts && facts.ipv4.length + facts.ipv6.length === 0) return sure(facts.linkLocal ? 'lan-only' : 'offline')
  if (nobodyAsked)
    return { code: 'lan-only', doubt: 'neither the DHT nor a relay is to be used, so nothing else was tested' }
  if (noRoute === 'yes') return sure('lan-only')
  if (noRoute === 'unknown') {
    return { code: 'lan-only', doubt: 'the router says that there is no way out, and a firewall could say the same' }
  }
  if (web === 'no' && other === 'no') return sure('blocked')
  // Names come from outside, so there is a way; only servers that surely listen could show which.
  if (names === 'yes' && !serverSilent) {
    return { code: 'udp-blocked', doubt: 'no server answered that is sure to listen: name one with --relay or --web' }
  }
  return names === 'no' ? sure('blocked') : { code: 'blocked', doubt: 'the servers that were asked may be down' }
}

function udpDoubt({ udp }: Evidence): string {
  const nodes = udp.facts?.nodes ?? []
  if (!udp.facts) return 'UDP was not tested'
  if (nodes.length === 0) return 'no node of the DHT could be asked over UDP'
  if (nodes.every(({ outcome }) => outcome === 'refused')) return 'the DHT nodes may be down: UDP to them is refused'
  return 'only one node of the DHT could be asked over UDP, and it may be down'
}

function warn(code: VerdictCode, evidence: Evidence, { udp, names }: Reading): WarningCode[] {
  const found: WarningCode[] = []
  const { relays, lan, tcp } = evidence
  const resigned = relays.some(({ facts }) => facts?.resignedBy != null) || (tcp.facts?.resigned ?? []).length > 0
  if (resigned) found.push('tls-intercepted')
  // A certificate that is out of its time, with a clock that is known to be right, is the relay's own trouble.
  if (clockWrong(evidence)) found.push('clock-wrong')
  if (lan.status === 'fail') found.push('multicast-blocked')
  // Where nothing gets out the verdict says so.
  if (CODES[code].severity !== 'problem' && deadRelays(evidence).length > 0) found.push('relay-unreachable')
  const nodes = evidence.udp.facts?.nodes
  // A blocked network has its own verdict; this is for nodes that are not there, or whose names nobody knows.
  const absent = nodes && udp === 'unknown' && nodes.every(({ outcome }) => outcome === 'refused')
  if (absent && names !== 'no') found.push('dht-unreachable')
  return found
}

function sideFacts({ addresses, nat, system, inbound }: Evidence): string[] {
  const facts: string[] = []
  if (nat.facts?.publicAddress) {
    const kind = nat.facts.own ? 'no NAT' : nat.facts.randomized ? 'NAT with a new port for each destination' : 'NAT'
    facts.push(`seen from outside as ${nat.facts.publicAddress} (${kind})`)
  }
  if (inbound.status === 'fail') facts.push('the firewall lets in only what was asked for')
  if (addresses.facts?.vpn.length) facts.push(`a VPN is on (${addresses.facts.vpn.join(', ')}): try without it, too`)
  if (addresses.facts && addresses.facts.ipv4.length === 0 && addresses.facts.ipv6.length > 0) {
    facts.push('this network has IPv6 only, and the DHT needs IPv4')
  }
  const proxies = Object.entries(system.facts?.proxies ?? {})
  if (proxies.length > 0) facts.push(`proxy settings: ${proxies.map(([name, value]) => `${name}=${value}`).join(', ')}`)
  return facts
}
