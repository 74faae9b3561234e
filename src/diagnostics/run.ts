import type { Report } from '../base/events.js'
import { isLoopback } from '../transport/host-port.js'
import { deadline } from './deadline.js'
import { DhtClient } from './dht-client.js'
import type { Evidence, Finding, InboundFacts, NatFacts, ProxyFacts, RelayFacts, UdpFacts } from './evidence.js'
import type { DoctorOptions } from './options.js'
import { notRun, type ProbeContext, runProbe } from './probe.js'
import { addresses } from './probes/addresses.js'
import { inbound } from './probes/inbound.js'
import { lan } from './probes/lan.js'
import { names } from './probes/names.js'
import { nat } from './probes/nat.js'
import { proxy } from './probes/proxy.js'
import { relay } from './probes/relay.js'
import { system } from './probes/system.js'
import { tcp } from './probes/tcp.js'
import { udp } from './probes/udp.js'
import { Targets } from './targets.js'

/** What each probe may take, in ms; NAT and the way in come after UDP. All together stay under 15 s. */
const LIMITS = {
  system: 1500,
  addresses: 1500,
  names: 5000,
  tcp: 5500,
  udp: 5000,
  nat: 3500,
  inbound: 4500,
  lan: 3000,
  proxy: 5000,
  relay: 6500
}
const ALL_MS = 13_000

/** The probes of one run, in the order in which they are shown. */
export interface Planned {
  id: string
  label: string
}

/** Which probes a run consists of. */
export function plan(options: DoctorOptions): Planned[] {
  const relays = new Targets(options).relays.map((target) => ({ id: relayId(target), label: `Relay ${target.host}` }))
  return [
    { id: 'system', label: 'This computer' },
    { id: 'addresses', label: 'Addresses' },
    { id: 'lan', label: 'Local network' },
    { id: 'names', label: 'Names (DNS)' },
    { id: 'udp', label: 'Direct (UDP)' },
    { id: 'nat', label: 'Address translation' },
    { id: 'inbound', label: 'Reachable' },
    { id: 'tcp', label: 'Web and other TCP' },
    { id: 'proxy', label: 'Web proxy' },
    ...relays
  ]
}

/**
 * Runs all probes side by side and returns what they found. Never throws because of the network, and takes 14 s at
 * most; each finding is reported when it is there.
 * @param quick only what decides: no look at this computer, nor at the local network
 */
export async function examine(
  options: DoctorOptions,
  { quick, report, signal }: { quick: boolean; report: Report; signal: AbortSignal }
): Promise<Evidence> {
  const targets = new Targets(options)
  const limit = deadline(ALL_MS, signal)
  const context: ProbeContext = { options, targets, signal: limit.signal }
  const tell = <Facts extends object>(finding: Finding<Facts>): Finding<Facts> => {
    const { id, status, summary, facts, ms } = finding
    report({ type: 'probe', id, status, evidence: facts, summary, ms })
    return finding
  }
  try {
    const left = 'not needed'
    const [about, own, around, named, overDht, overTcp, byProxy, relays] = await Promise.all([
      quick ? notRun<never>('system', left) : runProbe('system', system, context, LIMITS.system).then(tell),
      runProbe('addresses', addresses, context, LIMITS.addresses).then(tell),
      quick ? notRun<never>('lan', left) : runProbe('lan', lan, context, LIMITS.lan).then(tell),
      runProbe('names', names, context, LIMITS.names).then(tell),
      examineDht(context, tell),
      runProbe('tcp', tcp, context, LIMITS.tcp).then(tell),
      runProbe('proxy', proxy, context, LIMITS.proxy).then(tell),
      Promise.all(
        targets.relays.map((target) =>
          runProbe<RelayFacts>(relayId(target), (inner) => relay(inner, target), context, LIMITS.relay).then(tell)
        )
      )
    ])
    return evidenceOf({
      system: about,
      addresses: own,
      lan: around,
      names: named,
      ...overDht,
      tcp: overTcp,
      proxy: byProxy,
      relays
    })
  } finally {
    limit.close()
  }
}

/** UDP first; only where that works there is something to say about NAT and the way in. */
async function examineDht(
  context: ProbeContext,
  tell: <Facts extends object>(finding: Finding<Facts>) => Finding<Facts>
) {
  let client: DhtClient | null = null
  try {
    const first = await runProbe<UdpFacts>(
      'udp',
      (inner) =>
        udp(inner, (nodes) => {
          client = new DhtClient(nodes)
          return client
        }),
      context,
      LIMITS.udp
    )
    tell(first)
    const open = client as DhtClient | null
    if (first.status !== 'ok' || !open) {
      const why = first.status === 'skipped' ? 'the DHT is not used' : 'not tested: no UDP'
      return {
        udp: first,
        nat: tell(notRun<NatFacts>('nat', why)),
        inbound: tell(notRun<InboundFacts>('inbound', why))
      }
    }
    const [mapping, wayIn] = await Promise.all([
      runProbe<NatFacts>('nat', (inner) => nat(inner, open), context, LIMITS.nat).then(tell),
      runProbe<InboundFacts>('inbound', (inner) => inbound(inner, open), context, LIMITS.inbound).then(tell)
    ])
    return { udp: first, nat: mapping, inbound: wayIn }
  } finally {
    await (client as DhtClient | null)?.close()
  }
}

function relayId({ host, port }: { host: string; port: number }): string {
  return `relay:${host}:${port}`
}

/** All findings together, and what several of them say of one thing. */
export function evidenceOf(findings: Omit<Evidence, 'clocks'>): Evidence {
  return { ...findings, clocks: clocksOf(findings.relays, findings.proxy) }
}

/** Who told the time. A relay on this computer has the same clock, and counts only where there is no other. */
function clocksOf(relays: readonly Finding<RelayFacts>[], proxied: Finding<ProxyFacts>): Evidence['clocks'] {
  const clock = (host: string, off: number | null | undefined) => (off == null ? [] : [{ host, off }])
  const hosts = new Set<string>()
  const ofRelays = relays
    .flatMap(({ facts }) => clock(facts?.host ?? '', facts?.clockOff))
    .filter(({ host }) => !hosts.has(host) && hosts.add(host))
  const all = [...ofRelays, ...clock(proxied.facts?.proxy ?? '', proxied.facts?.clockOff)]
  const elsewhere = all.filter(({ host }) => !isLoopback(host))
  return elsewhere.length > 0 ? elsewhere : all
}
