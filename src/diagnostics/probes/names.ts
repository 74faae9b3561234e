import { Resolver } from 'node:dns/promises'
import { systemCode } from '../../base/errors.js'
import { orNull } from '../deadline.js'
import type { NameFacts } from '../evidence.js'
import { type ProbeContext, type ProbeResult, skipped } from '../probe.js'

const ASK_MS = 1500
/** c-ares for "nobody answered"; every other code is an answer. */
const NO_ANSWER = new Set([
  'ETIMEOUT',
  'ECONNREFUSED',
  'ECANCELLED',
  'EDESTRUCTION',
  'ENOTINITIALIZED',
  'ELOADIPHLPAPI'
])
/** What getaddrinfo says when it got no answer; ENOTFOUND is one, even if it means "no such name". */
const NOT_ASKED = new Set(['EAI_AGAIN', 'ETIMEOUT', 'UNKNOWN'])

/** Whether names can be looked up: those of DHT nodes and relays, and nobody else's. */
export async function names({ targets, signal }: ProbeContext): Promise<ProbeResult<NameFacts>> {
  if (targets.local) return skipped('nothing to look up')
  const lookUp = async (name: string) => ({ name, ...(await targets.lookup(name, signal)) })
  const [asked, root] = await Promise.all([Promise.all(targets.names.map(lookUp)), rootAnswers(signal)])
  const found = asked.filter(({ address }) => address !== null).length
  const answered = found > 0 || root || asked.some(({ code }) => code !== '' && !NOT_ASKED.has(code))
  const facts = { asked, answered }
  if (asked.length === 0) {
    return {
      status: answered ? 'ok' : 'fail',
      summary: answered ? 'name server answers' : 'no name server answers',
      facts
    }
  }
  if (found === asked.length) return { status: 'ok', summary: `found ${asked.length} of ${asked.length}`, facts }
  const why = answered ? '' : ', no name server answers'
  return { status: found > 0 ? 'ok' : 'fail', summary: `found ${found} of ${asked.length}${why}`, facts }
}

/** Asks the name server of this network for the root of all names, which says nothing about who asks for what. */
async function rootAnswers(signal: AbortSignal): Promise<boolean> {
  const resolver = new Resolver({ timeout: ASK_MS, tries: 2 })
  try {
    return (await orNull(resolver.resolveNs('.'), signal)) !== null
  } catch (error) {
    return !NO_ANSWER.has(systemCode(error))
  } finally {
    resolver.cancel()
  }
}
