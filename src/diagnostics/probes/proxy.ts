import { deadline } from '../deadline.js'
import type { ProxyFacts } from '../evidence.js'
import { proxyFor } from '../options.js'
import { type ProbeContext, type ProbeResult, skipped } from '../probe.js'
import { proxyConnect } from '../proxy-connect.js'
import { withoutLogin } from '../redact.js'

const CONNECT_MS = 4000
const MAX_CONNECTS = 4
/** What is said of a proxy setting that dat cannot use. */
export const UNUSABLE = 'only http and https proxies can be used'

/** Whether the web proxy that the environment names leads out: CONNECT to port 443, as browsers do. */
export async function proxy({ options, targets, signal }: ProbeContext): Promise<ProbeResult<ProxyFacts>> {
  // Servers first: from them an answer is sure to come.
  const wanted = [...targets.tcp].sort((a, b) => Number(b.listens) - Number(a.listens))
  const through = wanted
    .filter(({ port, listens }) => listens || port === 443)
    .flatMap((target) => {
      const url = proxyFor(
        options,
        `https://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`
      )
      return url === null ? [] : [{ ...target, url }]
    })
    .slice(0, MAX_CONNECTS)
  const first = through[0]
  if (!first) return skipped(wanted.length > 0 ? 'none is named' : 'nobody to ask')
  const named = first.url
  if (named === 'unusable') return { status: 'unknown', summary: UNUSABLE, facts: null }
  const limit = deadline(CONNECT_MS, signal)
  const replies = await Promise.all(
    through.map(async ({ host, port, listens }) => {
      const reply = await proxyConnect(named, { host, port }, limit.signal)
      reply.socket?.destroy()
      return { connect: { host, port, listens, outcome: reply.outcome, status: reply.status }, date: reply.date }
    })
  )
  limit.close()
  const date = replies.find((reply) => reply.date !== null)?.date
  const facts: ProxyFacts = {
    proxy: withoutLogin(named.href),
    connects: replies.map(({ connect }) => connect),
    // A `Date` has whole seconds: half a second is the best guess.
    clockOff: date == null ? null : date + 500 - Date.now()
  }
  return { ...judge(facts), facts }
}

function judge({ connects, proxy: name }: ProxyFacts): Pick<ProbeResult<ProxyFacts>, 'status' | 'summary'> {
  const has = (outcome: string) => connects.some((one) => one.outcome === outcome)
  if (has('open')) return { status: 'ok', summary: `${name} lets port 443 out` }
  if (has('tried')) return { status: 'unknown', summary: `${name} has reached nobody so far` }
  if (has('password')) return { status: 'fail', summary: `${name} wants a password` }
  if (has('forbidden')) return { status: 'fail', summary: `${name} forbids it` }
  if (has('silent')) return { status: 'unknown', summary: `${name} does not answer in time` }
  return { status: 'fail', summary: `${name} is not there` }
}
