import { networkInterfaces } from 'node:os'
import { deadline } from '../deadline.js'
import type { Answer, DhtClient } from '../dht-client.js'
import type { NatFacts } from '../evidence.js'
import type { ProbeContext, ProbeResult } from '../probe.js'

const PING_MS = 1500

/** How this computer looks from outside: the address and the port that several nodes see. */
export async function nat({ signal }: ProbeContext, client: DhtClient): Promise<ProbeResult<NatFacts>> {
  const nodes = await client.nodes(signal)
  const limit = deadline(PING_MS, signal)
  const answers = await Promise.all(nodes.map((node) => client.ping(node, limit.signal)))
  limit.close()
  const facts = classify(
    answers.flatMap((answer) => answer ?? []),
    ownAddresses()
  )
  if (facts.publicAddress === null) return { status: 'unknown', summary: 'the nodes do not agree', facts }
  if (facts.randomized === null) return { status: 'unknown', summary: 'only one node could be asked', facts }
  if (facts.randomized) return { status: 'fail', summary: 'a new port for each destination', facts }
  return { status: 'ok', summary: facts.own ? 'none' : 'one port for all destinations', facts }
}

/** What the answers of several nodes say about the NAT. */
export function classify(answers: readonly Answer[], own: ReadonlySet<string>): NatFacts {
  const hosts = answers.map(({ seenAs }) => seenAs.host)
  const publicAddress = mostFrequent(hosts)
  const ports = answers.filter(({ seenAs }) => seenAs.host === publicAddress).map(({ seenAs }) => seenAs.port)
  const nodes = new Set(answers.map(({ node }) => node.host))
  const usual = ports.filter((port) => port === mostFrequent(ports)).length
  return {
    publicAddress,
    own: publicAddress !== null && own.has(publicAddress),
    // One port out of line is a mapping that was taken or renewed, not a rule.
    randomized: ports.length < 2 || nodes.size < 2 ? null : usual < ports.length - (ports.length > 3 ? 1 : 0),
    samples: answers.length
  }
}

function mostFrequent<T>(values: readonly T[]): T | null {
  const counts = new Map<T, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null
}

function ownAddresses(): Set<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)))
}
