import { deadline, pause } from '../deadline.js'
import type { DhtClient } from '../dht-client.js'
import type { UdpFacts, UdpOutcome } from '../evidence.js'
import { type ProbeContext, type ProbeResult, skipped } from '../probe.js'
import { Refusals } from '../refusals.js'

/** After the first answer the other nodes have this long, in ms. */
const STRAGGLERS_MS = 700
/** The refusals are asked first, and heard first. */
const HEAD_START_MS = 60
/** Longer than the probe's own deadline, which comes first. */
const LONG_MS = 30_000

/** UDP to nodes of the DHT: whether they answer, and if not, whether something says so. */
export async function udp(
  { options, targets, signal }: ProbeContext,
  open: (nodes: { host: string; port: number }[]) => DhtClient
): Promise<ProbeResult<UdpFacts>> {
  if (!options.network.dht) return skipped('the DHT is not used')
  const { nodes, nameless } = await targets.nodes(signal)
  if (nodes.length === 0) {
    return { status: 'unknown', summary: 'no address of a DHT node is known', facts: { nodes: [], nameless } }
  }
  const refusals = new Refusals(nodes)
  const patience = deadline(LONG_MS, signal)
  let stragglers: NodeJS.Timeout | undefined
  try {
    await pause(HEAD_START_MS, signal)
    const client = open(nodes)
    const asked = await Promise.all(
      nodes.map(async ({ host, port }) => {
        const answer = await client.ping({ host, port }, patience.signal)
        if (answer) stragglers ??= setTimeout(() => patience.abort(), STRAGGLERS_MS)
        const outcome: UdpOutcome = answer ? 'answered' : (refusals.of({ host, port }) ?? 'silent')
        return { host, port, outcome, ms: Math.round(answer?.ms ?? 0) }
      })
    )
    return { ...judge(asked), facts: { nodes: asked, nameless } }
  } finally {
    clearTimeout(stragglers)
    patience.close()
    refusals.close()
  }
}

function judge(nodes: UdpFacts['nodes']): { status: ProbeResult<UdpFacts>['status']; summary: string } {
  const answered = nodes.filter(({ outcome }) => outcome === 'answered')
  if (answered.length > 0) {
    const ms = Math.min(...answered.map((one) => one.ms))
    return { status: 'ok', summary: `${answered.length} of ${nodes.length} DHT nodes answer, ${ms} ms` }
  }
  const has = (outcome: UdpOutcome) => nodes.some((one) => one.outcome === outcome)
  const how = has('prohibited')
    ? 'prohibited'
    : has('refused')
      ? 'refused'
      : has('no-route')
        ? 'no way out'
        : 'no answer'
  return { status: nodes.length > 1 ? 'fail' : 'unknown', summary: `0 of ${nodes.length} DHT nodes answer: ${how}` }
}
