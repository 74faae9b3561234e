import { deadline } from '../deadline.js'
import type { DhtClient } from '../dht-client.js'
import type { InboundFacts } from '../evidence.js'
import type { ProbeContext, ProbeResult } from '../probe.js'

/** hyperdht repeats the question after 1 s: this gives both a chance. */
const WAIT_MS = 1900
const ENOUGH = 2

/** Whether packets come in that nobody asked for: then others can connect without further ado. */
export async function inbound({ signal }: ProbeContext, client: DhtClient): Promise<ProbeResult<InboundFacts>> {
  const nodes = await client.nodes(signal)
  if (nodes.length === 0) return { status: 'unknown', summary: 'no node could be asked', facts: null }
  const enough = Math.min(ENOUGH, nodes.length)
  const limit = deadline(WAIT_MS, signal)
  const arrived = await client.reachBack(nodes, enough, limit.signal)
  limit.close()
  const facts = { asked: nodes.length, arrived: arrived.size }
  if (arrived.size >= enough) return { status: 'ok', summary: 'yes, from outside', facts }
  if (arrived.size > 0) return { status: 'unknown', summary: 'from one node only', facts }
  return { status: 'fail', summary: 'no, only answers come in', facts }
}
