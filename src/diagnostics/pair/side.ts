import { isIP } from 'node:net'
import { parseRelay } from '../../base/relay-url.js'
import { isLoopback, parseHostPort } from '../../transport/host-port.js'
import type { NetworkOptions } from '../../transport/transport.js'
import { CODES, type VerdictCode, WARNINGS, type WarningCode } from '../advice.js'
import { type Evidence, relayWorks } from '../evidence.js'
import { type Answer, read } from '../reading.js'
import type { Verdict } from '../verdicts.js'

/** What one computer tells the other of its network: what the two together depend on, and no more. */
export interface Side {
  verdict: VerdictCode
  certain: boolean
  warnings: WarningCode[]
  udp: Answer
  web: Answer
  other: Answer
  proxy: Answer
  /** Packets come in that nobody asked for. */
  inbound: Answer
  /** The NAT takes a new port for each destination. */
  randomized: Answer
  multicast: Answer
  publicAddress: string | null
  /** IP addresses of this computer. */
  addresses: string[]
  /** Relays that it was told of, and whether it can use them. */
  relays: { url: string; works: Answer }[]
  /** What it may use at all. */
  dht: boolean
  lan: boolean
  /** `dat share` there would accept direct connections (`--listen`). */
  listens: boolean
  /** `IP:port` addresses at which it accepts connections for this test. */
  listening: string[]
}

const MAX_ADDRESSES = 16
const MAX_LISTENING = 8
const MAX_RELAYS = 6
const MAX_TEXT = 200

/** Our own side. @param listening addresses for this test */
export function summarise(
  evidence: Evidence,
  verdict: Verdict,
  network: NetworkOptions,
  listening: readonly string[]
): Side {
  const { udp, web, other, proxy } = read(evidence)
  const { nat, inbound, lan, addresses } = evidence
  return {
    verdict: verdict.code,
    certain: verdict.certain,
    warnings: verdict.warnings.map(({ code }) => code),
    ...{ udp, web, other, proxy },
    inbound: answer(inbound.status === 'ok' ? true : inbound.status === 'fail' ? false : null),
    randomized: answer(nat.facts?.randomized ?? null),
    multicast: answer(lan.status === 'ok' ? true : lan.status === 'fail' ? false : null),
    publicAddress: nat.facts?.publicAddress ?? null,
    addresses: [...(addresses.facts?.ipv4 ?? []), ...(addresses.facts?.ipv6 ?? [])].slice(0, MAX_ADDRESSES),
    relays: (network.relays ?? []).slice(0, MAX_RELAYS).map((url) => ({ url, works: relayAnswer(url, evidence) })),
    dht: network.dht,
    lan: network.lan,
    listens: network.listen !== null,
    listening: listening.slice(0, MAX_LISTENING)
  }
}

function relayAnswer(url: string, { relays }: Evidence): Answer {
  const { protocol, hostname, port } = new URL(url)
  const number = Number(port) || (protocol === 'wss:' ? 443 : 80)
  const host = hostname.replace(/^\[|\]$/g, '')
  const found = relays.find(({ facts }) => facts?.host === host && facts.port === number)
  return found ? answer(relayWorks(found)) : 'unknown'
}

function answer(value: boolean | null): Answer {
  return value === null ? 'unknown' : value ? 'yes' : 'no'
}

/** Reads what the other computer says of itself; null if it is not that. Whatever is too much is left out. */
export function readSide(value: unknown): Side | null {
  const side = asRecord(value)
  if (!side || !isOneOf(side.verdict, Object.keys(CODES))) return null
  const { dht, lan, listens, certain } = side
  if (![dht, lan, listens, certain].every((one) => typeof one === 'boolean')) return null
  return {
    verdict: side.verdict as VerdictCode,
    certain: certain === true,
    warnings: list(side.warnings, Object.keys(WARNINGS).length).filter((code): code is WarningCode =>
      isOneOf(code, Object.keys(WARNINGS))
    ),
    udp: readAnswer(side.udp),
    web: readAnswer(side.web),
    other: readAnswer(side.other),
    proxy: readAnswer(side.proxy),
    inbound: readAnswer(side.inbound),
    randomized: readAnswer(side.randomized),
    multicast: readAnswer(side.multicast),
    publicAddress: isAddress(side.publicAddress) ? side.publicAddress : null,
    addresses: list(side.addresses, MAX_ADDRESSES).filter(isAddress),
    relays: list(side.relays, MAX_RELAYS).flatMap(readRelay),
    dht: dht === true,
    lan: lan === true,
    listens: listens === true,
    listening: list(side.listening, MAX_LISTENING).filter(isListening)
  }
}

/**
 * Which of the addresses that the other computer named may be dialled: none that means this computer itself, unless
 * the test is confined to it.
 */
export function dialable(listening: readonly string[], network: NetworkOptions): string[] {
  const confined = network.lanInterface !== null && isLoopback(network.lanInterface)
  return listening.filter((text) => isLoopback(parseHostPort(text).host) === confined)
}

function readRelay(value: unknown): { url: string; works: Answer }[] {
  const relay = asRecord(value)
  const url = typeof relay?.url === 'string' && relay.url.length <= MAX_TEXT ? parseRelay(relay.url) : null
  return url === null ? [] : [{ url, works: readAnswer(relay?.works) }]
}

function isListening(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_TEXT) return false
  try {
    const { host, port } = parseHostPort(value)
    return isIP(host) !== 0 && port > 0
  } catch {
    return false
  }
}

function isAddress(value: unknown): value is string {
  // A zone (`fe80::1%eth0`) may hold any text.
  return typeof value === 'string' && isIP(value) !== 0 && !value.includes('%')
}

function readAnswer(value: unknown): Answer {
  return value === 'yes' || value === 'no' ? value : 'unknown'
}

function isOneOf(value: unknown, known: readonly string[]): boolean {
  return typeof value === 'string' && known.includes(value)
}

function list(value: unknown, most: number): unknown[] {
  return Array.isArray(value) ? value.slice(0, most) : []
}

/** An object that came from elsewhere; null for anything else. */
export function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
