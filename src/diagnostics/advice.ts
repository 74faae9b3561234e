import { EXIT } from '../base/errors.js'
import { readClock } from './clock.js'
import { type Evidence, relayWorks } from './evidence.js'
import { deadRelays, type Reading } from './reading.js'

/** The catalogue: each verdict and each warning in words for somebody who has data to send and no interest in networks. */

export type VerdictCode =
  | 'open'
  | 'direct'
  | 'symmetric-nat'
  | 'udp-blocked'
  | 'web-only'
  | 'proxy-only'
  | 'lan-only'
  | 'offline'
  | 'blocked'

export type WarningCode =
  | 'tls-intercepted'
  | 'clock-wrong'
  | 'multicast-blocked'
  | 'relay-unreachable'
  | 'dht-unreachable'

/** `ok`: nothing to do. `warning`: works with limits. `problem`: nobody outside can be reached. */
export type Severity = 'ok' | 'warning' | 'problem'

export const CODES: Record<VerdictCode, { severity: Severity; exitCode: number }> = {
  open: { severity: 'ok', exitCode: EXIT.done },
  direct: { severity: 'ok', exitCode: EXIT.done },
  'symmetric-nat': { severity: 'warning', exitCode: EXIT.done },
  'udp-blocked': { severity: 'warning', exitCode: EXIT.relayOnly },
  'web-only': { severity: 'warning', exitCode: EXIT.relayOnly },
  'proxy-only': { severity: 'warning', exitCode: EXIT.relayOnly },
  'lan-only': { severity: 'problem', exitCode: EXIT.blocked },
  offline: { severity: 'problem', exitCode: EXIT.blocked },
  blocked: { severity: 'problem', exitCode: EXIT.blocked }
}

const ASK_IT = 'Ask your IT department to let dat out: `dat doctor --it` prints the mail.'
const ASK_FOR_SPEED = 'To make it faster, ask your IT department to let UDP out: `dat doctor --it` prints the mail.'
const OTHER_NETWORK = 'Try another network: a phone as hotspot, or the guest Wi-Fi, is often enough.'
const USE_RELAY =
  'Use a relay: `--relay wss://HOST` on both computers. If you know none, somebody with a server can run `dat relay`.'

/** Title and advice of a verdict. */
export function describe(code: VerdictCode, evidence: Evidence, reading: Reading): { title: string; advice: string[] } {
  const { relay } = reading
  const named = evidence.relays.length > 0
  const needed = named
    ? 'Check the relay that is named, or name another one: once it works, dat uses it by itself.'
    : USE_RELAY
  const relayed = relay
    ? ['Nothing has to be done: the relay works, and dat uses it by itself.', ASK_FOR_SPEED]
    : [needed, ASK_IT, OTHER_NETWORK]
  const hence = relay
    ? '. dat works through the relay, slower than directly.'
    : named
      ? '. dat needs a relay, and none that is named can be used.'
      : ', so dat finds nobody. A relay would help.'
  switch (code) {
    case 'open':
      return { title: 'All is well: other computers can connect to this one.', advice: ['Nothing has to be done.'] }
    case 'direct':
      return {
        title: 'All is well: direct connections work from here.',
        advice: ['Nothing has to be done. If a clone finds nobody, run `dat doctor` on the other computer.']
      }
    case 'symmetric-nat':
      return {
        title: 'Direct connections work with most computers, but not with a network like this one.',
        advice: [
          'Most transfers will work. Connecting may take up to half a minute.',
          relay ? 'Where it does not work, dat uses the relay.' : `If it does not work: ${lower(USE_RELAY)}`,
          OTHER_NETWORK
        ]
      }
    case 'udp-blocked':
      return {
        title: `This network lets no UDP out${hence}`,
        advice: relayed
      }
    case 'web-only':
      return {
        title: `This network lets only web traffic out${hence}`,
        advice: relayed
      }
    case 'proxy-only':
      return {
        title: `Only the web proxy leads out of this network${hence}`,
        advice: [...password(evidence), ...relayed]
      }
    case 'lan-only':
      return {
        title: 'Only the local network can be used: computers in this building or lab, without the internet.',
        advice: [
          'Put both computers into the same network (same Wi-Fi, same cable): dat then needs no internet.',
          'If you expected internet here: check cable, Wi-Fi and VPN, then run `dat doctor` again.'
        ]
      }
    case 'offline':
      return {
        title: 'This computer is not connected to any network.',
        advice: ['Plug in the cable or join a Wi-Fi, then run `dat doctor` again.']
      }
    case 'blocked':
      return {
        title: 'Nothing gets out of this network: not UDP, not the web, and no proxy is known.',
        advice: [
          ...proxyHints(evidence),
          'Does a web browser work here? If not, log in to the network (Wi-Fi login page, VPN) and try again.',
          OTHER_NETWORK,
          ASK_IT
        ]
      }
  }
}

function password({ proxy }: Evidence): string[] {
  const connects = proxy.facts?.connects ?? []
  if (connects.length === 0 || !connects.every(({ outcome }) => outcome === 'password')) return []
  const example = proxy.facts?.proxy.replace('://', '://USER:PASSWORD@')
  return [`The proxy wants a user name and a password: set HTTPS_PROXY=${example}`]
}

function proxyHints({ proxy }: Evidence): string[] {
  const outcomes = (proxy.facts?.connects ?? []).map(({ outcome }) => outcome)
  if (outcomes.length === 0) {
    return ['If browsers here use a proxy, tell dat: set HTTPS_PROXY=http://HOST:PORT and run `dat doctor` again.']
  }
  const name = proxy.facts?.proxy
  if (outcomes.every((outcome) => outcome === 'dead'))
    return [`The proxy ${name} does not answer: is the setting right?`]
  return [`The proxy ${name} does not let dat through: ask your IT department to allow CONNECT to port 443.`]
}

export const WARNINGS: Record<
  WarningCode,
  { title: (evidence: Evidence) => string; advice: (evidence: Evidence) => string[] }
> = {
  'tls-intercepted': {
    title: ({ relays, tcp }) => {
      const by = relays.find(({ facts }) => facts?.resignedBy)?.facts?.resignedBy ?? tcp.facts?.resigned[0]?.by
      return `Somebody in between opens encrypted web connections and signs them as "${by}".`
    },
    advice: ({ relays }) => {
      const refused = relays.some((relay) => relay.facts?.resignedBy != null && !relayWorks(relay))
      const then = refused ? 'But dat refuses a relay whose certificate it cannot trust.' : ''
      return [
        `Your data stays unreadable for them, since dat encrypts it once more. ${then}`.trim(),
        'Ask your IT department for the certificate of that authority (a PEM file), and name it: --relay-ca FILE, or ' +
          'NODE_EXTRA_CA_CERTS=FILE in the environment. Or ask them to leave connections to the relay alone.'
      ]
    }
  },
  'clock-wrong': {
    title: (evidence) => {
      const { off, by } = readClock(evidence)
      if (off === null) return "This computer's clock seems to be wrong: a certificate is not valid at this time."
      const condition = by === '' ? '' : `, if that of ${by} is right`
      return `This computer's clock is ${minutes(off)} ${off > 0 ? 'late' : 'early'}${condition}.`
    },
    advice: () => ['Set the clock, or switch on automatic time: encrypted connections fail with a wrong one.']
  },
  'multicast-blocked': {
    title: () => 'A firewall on this computer blocks multicast: computers in the same network do not find each other.',
    advice: () => ['Allow UDP port 5353 (multicast DNS) in the firewall of this computer, or use --listen and --peer.']
  },
  'relay-unreachable': {
    title: (evidence) => {
      const dead = deadRelays(evidence).map(({ url, direct, proxied }) => `${url}: ${(proxied ?? direct).reason}`)
      return `A relay cannot be used: ${dead.join('; ')}`
    },
    advice: (evidence) => {
      const hosts = deadRelays(evidence).flatMap(({ host, direct }) => (direct.outcome === 'works' ? [host] : []))
      const bypass = hosts.map((host) => `Without the proxy ${host} works: set NO_PROXY=${host}`)
      return [...bypass, 'Check its address, ask who runs it, or name another one with --relay.']
    }
  },
  'dht-unreachable': {
    title: ({ udp }) =>
      udp.facts && udp.facts.nodes.length === 0
        ? 'The nodes of the DHT could not be looked up.'
        : 'The nodes of the DHT do not answer. They may be down, or UDP may be blocked.',
    advice: () => ['Check --bootstrap (or DAT_BOOTSTRAP), and name more than one node there.']
  }
}

function minutes(ms: number): string {
  const all = Math.round(Math.abs(ms) / 60_000)
  if (all < 120) return `${all} minutes`
  if (all < 2880) return `${Math.round(all / 60)} hours`
  const days = Math.round(all / 1440)
  return days < 730 ? `${days} days` : `${Math.round(days / 365)} years`
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
