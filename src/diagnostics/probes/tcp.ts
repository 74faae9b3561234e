import type { Socket } from 'node:net'
import { handshake } from '../certificate.js'
import { deadline, pause } from '../deadline.js'
import { NEXT_DOOR_MS, type RefusalRace, type TcpAttempt, type TcpFacts, WEB_PORTS } from '../evidence.js'
import { type ProbeContext, type ProbeResult, skipped } from '../probe.js'
import type { TcpTarget } from '../targets.js'
import { tcpConnect } from '../tcp-connect.js'

/** A SYN is repeated after 1 s and 3 s; who has not answered the first two does not answer. */
const CONNECT_MS = 2800
/** Tries that make a race, and how many when the answer comes from next door, where differences are small. */
const FEW = 3
const MANY = 400
const RACE_MS = 700
/** The start of all other probes disturbs the clock; in ms after it, things are quiet. */
const QUIET_MS = 1200
const QUANTILES = [0, 0.1, 0.25, 0.5]
const MAX_RACES = 2
const TLS_PORT = 443

/**
 * TCP to the web ports and to other ports of every target. A refusal is as good as a connection when it comes from
 * the other computer, and a "no" when it comes from a firewall; which one it was, a race tells. What TLS a server of
 * `--web` speaks is looked at as well: who signs it may be somebody in between.
 */
export async function tcp({ options, targets, signal }: ProbeContext): Promise<ProbeResult<TcpFacts>> {
  const wanted = targets.tcp
  if (wanted.length === 0) return skipped('nobody to ask')
  const quiet = pause(QUIET_MS, signal)
  const limit = deadline(CONNECT_MS, signal)
  const ca = options.network.relayAccess?.ca ?? null
  const resigned: TcpFacts['resigned'] = []
  const attempts = await Promise.all(
    wanted.map(async (target): Promise<TcpAttempt> => {
      const { host, port, listens } = target
      const { address } = await targets.lookup(host, limit.signal)
      if (address === null) return { host, port, listens, outcome: 'no-address', ms: 0 }
      const { outcome, ms, socket } = await tcpConnect(address, port, limit.signal)
      const by = socket && targets.isWeb(target) ? await signerOf(socket, target, ca, limit.signal) : null
      if (by !== null) resigned.push({ host, by })
      socket?.destroy()
      return { host, port, listens, outcome, ms: round(ms) }
    })
  )
  limit.close()
  if (attempts.some(({ outcome }) => outcome === 'refused')) await quiet
  const races = await raceAll(attempts, { targets, signal })
  return { ...judge(attempts), facts: { attempts, races, resigned } }
}

/** Who made the certificate of a server anew; null for nobody, and where no TLS is spoken. */
async function signerOf(
  socket: Socket,
  { host, port }: TcpTarget,
  ca: string | null,
  signal: AbortSignal
): Promise<string | null> {
  if (port !== TLS_PORT) return null
  const tls = await handshake(socket, host, ca, signal)
  tls.socket?.destroy()
  return tls.resignedBy
}

function judge(attempts: readonly TcpAttempt[]): { status: ProbeResult<TcpFacts>['status']; summary: string } {
  const word = (web: boolean) => {
    const outcomes = attempts.filter(({ port }) => WEB_PORTS.includes(port) === web).map(({ outcome }) => outcome)
    const known = (['connected', 'refused', 'prohibited', 'no-route', 'silent'] as const).find((one) =>
      outcomes.includes(one)
    )
    return {
      connected: 'open',
      refused: 'refused',
      prohibited: 'prohibited',
      silent: 'no answer',
      'no-route': 'no way out',
      '': 'not tested'
    }[known ?? '']
  }
  const connected = attempts.some(({ outcome }) => outcome === 'connected')
  const refused = attempts.some(({ outcome }) => outcome === 'refused')
  const nowhere = attempts.every(({ outcome }) => outcome === 'no-address')
  const status = connected ? 'ok' : refused || nowhere ? 'unknown' : 'fail'
  const [web, other] = [word(true), word(false)]
  return { status, summary: web === other ? `all ports ${web}` : `web ports ${web}, other ports ${other}` }
}

/** Where a host refuses both kinds of port, finds out which of the two refusals is the quicker one. */
async function raceAll(
  attempts: readonly TcpAttempt[],
  { targets, signal }: Pick<ProbeContext, 'targets' | 'signal'>
): Promise<RefusalRace[]> {
  const refused = attempts.filter(({ outcome }) => outcome === 'refused')
  const races: RefusalRace[] = []
  for (const web of refused) {
    const other = refused.find(({ host, port }) => host === web.host && !WEB_PORTS.includes(port))
    if (!other || !WEB_PORTS.includes(web.port) || races.length >= MAX_RACES) continue
    const { address } = await targets.lookup(web.host, signal)
    const limit = deadline(RACE_MS, signal)
    if (address !== null) races.push(await race(web, other, address, limit.signal))
    limit.close()
  }
  return races
}

async function race(web: TcpAttempt, other: TcpAttempt, address: string, signal: AbortSignal): Promise<RefusalRace> {
  const times = { web: [] as number[], other: [] as number[] }
  for (let i = 0; i < MANY && !signal.aborted; i++) {
    // Only the nearest hosts need many tries, and only for them is it no burden.
    if (i >= FEW && Math.min(...times.web, ...times.other) > NEXT_DOOR_MS) break
    // In turns, so that neither has the better place.
    for (const kind of i % 2 === 0 ? (['web', 'other'] as const) : (['other', 'web'] as const)) {
      const { outcome, ms } = await tcpConnect(address, kind === 'web' ? web.port : other.port, signal)
      if (outcome === 'refused') times[kind].push(ms)
    }
    // Other probes must not wait for this one.
    if (i % 20 === 19) await pause(1, signal)
  }
  return { host: web.host, ...compare(times.web, times.other) }
}

/** How much longer the web port takes, by several measures of which the middle ones count: any single one is noisy. */
export function compare(web: readonly number[], other: readonly number[]): Omit<RefusalRace, 'host'> {
  const [a, b] = [web.toSorted((x, y) => x - y), other.toSorted((x, y) => x - y)]
  const ratios = QUANTILES.map((q) => at(a, q) / at(b, q)).sort((x, y) => x - y)
  const ratio = ((ratios[1] ?? 1) + (ratios[2] ?? 1)) / 2
  return { webMs: round(at(a, 0)), otherMs: round(at(b, 0)), ratio: Number.isFinite(ratio) ? round(ratio) : 1 }
}

function at(sorted: readonly number[], quantile: number): number {
  return sorted[Math.floor(sorted.length * quantile)] ?? 0
}

/** Microseconds are enough. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
