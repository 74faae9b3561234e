import { DatError } from '../../base/errors.js'
import type { Report, Route } from '../../base/events.js'
import { Scope } from '../../base/scope.js'
import type { NetworkOptions } from '../../transport/transport.js'
import type { Evidence } from '../evidence.js'
import type { Verdict } from '../verdicts.js'
import type { Secrets } from './code.js'
import { type Conclusion, conclude, expect } from './conclusion.js'
import type { Control, Message } from './control.js'
import { assist, measure, readNumber, readRoute } from './measure.js'
import { NO_FIGURES, ROUTES, type RouteResult, type Why } from './result.js'
import { asRecord, dialable, readSide, type Side, summarise } from './side.js'
import { Trial } from './trial.js'
import { describePair, reasonText } from './words.js'

/** Spoken by both ends; another number means another version of dat. */
const PROTOCOL = 1
/** How long a route may take until its first byte, in ms. Through a symmetric NAT it takes luck, and time. */
const LIMITS: Record<Route, number> = { lan: 4000, tcp: 5000, direct: 12_000, relay: 10_000 }
const SYMMETRIC_MS = 25_000
/** Where no UDP is to be expected, and it is only tried to be sure. */
const DOUBTFUL_MS = 6000
/** The other end may still be looking at its own network. */
const SIDE_MS = 60_000
const CONNECTED_MS = SYMMETRIC_MS + 10_000
/** For all that is measured of one route, in ms. */
const MEASURE_MS = 45_000

export interface PairOptions {
  network: NetworkOptions
  secrets: Secrets
  /** The conversation with the other computer, which has been met. */
  control: Control
  /** What is known of the network here. */
  own: { evidence: Evidence; verdict: Verdict }
  report: Report
  signal: AbortSignal
}

/**
 * Tests two computers against each other: both tell what they know, every route is tried by itself and measured, and
 * both come to the same conclusion. Takes up to a minute, and never longer than its time limits.
 * @throws DatError NO_PEER when the other computer goes away
 */
export async function testPair(options: PairOptions): Promise<Conclusion> {
  const scope = new Scope()
  try {
    return await run(options, scope)
  } finally {
    await scope.close()
  }
}

async function run({ network, secrets, control, own, report, signal }: PairOptions, scope: Scope): Promise<Conclusion> {
  const leads = control.leads
  const tcp = new Trial('tcp', secrets)
  scope.defer(() => tcp.close())
  const listening = await listen(tcp, network)
  const here = summarise(own.evidence, own.verdict, network, listening)
  control.say({ type: 'side', protocol: PROTOCOL, side: here })
  const there = theirs(await control.next(['side'], SIDE_MS, signal))

  const trials = new Map<Route, Trial>([['tcp', tcp]])
  const firstBytes = await connectAll({ network, secrets, here, there, trials, scope, signal: gone(control, signal) })
  signal.throwIfAborted()
  control.say({ type: 'connected', routes: Object.fromEntries(firstBytes) })
  const heard = asRecord((await control.next(['connected'], CONNECTED_MS, signal)).routes)
  const both = ROUTES.filter(
    (route) => firstBytes.get(route) != null && readNumber(heard?.[route], CONNECTED_MS) !== null
  )

  const results = new Map<Route, RouteResult>()
  const tell = (result: RouteResult): void => {
    results.set(result.route, result)
    report({ type: 'pair.route', ...result })
  }
  for (const route of ROUTES) if (!both.includes(route)) tell(failure(route, here, there, firstBytes.has(route)))
  await measureAll(leads, both, control, signal, async (route, work) => {
    const figures = await work(trials.get(route) as Trial, control, signal)
    tell({ route, outcome: 'works', why: null, reason: '', firstByte: firstBytes.get(route) ?? null, ...figures })
  })

  const routes = ROUTES.flatMap((route) => results.get(route) ?? [])
  const conclusion = conclude(here, there, routes)
  const { why, route, begins, obstacle, exitCode } = conclusion
  const reason = why === null ? '' : reasonText(why)
  const verdicts = { here: here.verdict, there: there.verdict }
  const text = describePair(conclusion, here, there)
  report({ type: 'pair.result', route, begins, obstacle, why, reason, ...text, ...verdicts, routes, exitCode })
  return conclusion
}

/** Measures the routes that work, one after the other: the end that leads says which, and each only once. */
async function measureAll(
  leads: boolean,
  routes: readonly Route[],
  control: Control,
  signal: AbortSignal,
  each: (route: Route, work: typeof measure) => Promise<void>
): Promise<void> {
  if (leads) {
    for (const route of routes) await each(route, measure)
    control.say({ type: 'finish' })
    return
  }
  const left = new Set(routes)
  for (;;) {
    const message = await control.next(['measure', 'finish'], MEASURE_MS, signal)
    const route = readRoute(message, left)
    if (route === null) return
    left.delete(route)
    await each(route, assist)
  }
}

/** Accepts connections for the test of TCP; where that is not possible, the test says so. */
async function listen(trial: Trial, network: NetworkOptions): Promise<string[]> {
  const host = network.listen?.host || network.lanInterface || ''
  try {
    return dialable(await trial.open(network, { listen: { host, port: 0 } }), network)
  } catch {
    return []
  }
}

function theirs(message: Message): Side {
  const side = message.protocol === PROTOCOL ? readSide(message.side) : null
  if (side) return side
  throw new DatError('NO_PEER', 'the other computer has another version of dat', {
    hint: 'use the same version on both computers'
  })
}

function gone(control: Control, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([control.gone, signal])
}

interface Opening {
  network: NetworkOptions
  secrets: Secrets
  here: Side
  there: Side
  trials: Map<Route, Trial>
  scope: Scope
  signal: AbortSignal
}

/** Tries all routes that have a chance, at once. @returns ms until the first byte, null where none came */
async function connectAll(opening: Opening): Promise<Map<Route, number | null>> {
  const { here, there } = opening
  const chosen = ROUTES.filter((route) => expect(route, here, there).answer !== 'no')
  const began = performance.now()
  const times = chosen.map(async (route): Promise<[Route, number | null]> => {
    const trial = await openTrial(route, opening).catch(() => null)
    const wire = await trial?.connected(limitOf(route, here, there), opening.signal)
    return [route, wire ? Math.round(performance.now() - began) : null]
  })
  return new Map(await Promise.all(times))
}

function limitOf(route: Route, here: Side, there: Side): number {
  if (route !== 'direct') return LIMITS[route]
  if (here.udp !== 'yes' || there.udp !== 'yes') return DOUBTFUL_MS
  return here.randomized === 'yes' || there.randomized === 'yes' ? SYMMETRIC_MS : LIMITS.direct
}

async function openTrial(route: Route, { network, secrets, here, there, trials, scope }: Opening): Promise<Trial> {
  const trial = trials.get(route) ?? new Trial(route, secrets)
  trials.set(route, trial)
  scope.defer(() => trial.close())
  if (route === 'lan') await trial.open(network, { lan: true })
  if (route === 'direct') await trial.open(network, { dht: true })
  if (route === 'relay') await trial.open(network, { relays: [...new Set([...urls(here), ...urls(there)])] })
  const peers = dialable(there.listening, network)
  if (route === 'tcp' && peers.length > 0) await trial.open(network, { peers })
  return trial
}

function urls({ relays }: Side): string[] {
  return relays.map(({ url }) => url)
}

/** A route that does not work. @param tried false where there was no chance */
function failure(route: Route, here: Side, there: Side, tried: boolean): RouteResult {
  const why = expect(route, here, there).why ?? whyTried(route)
  const outcome = tried ? 'failed' : 'skipped'
  return { route, outcome, why, reason: reasonText(why), firstByte: null, ...NO_FIGURES }
}

function whyTried(route: Route): Why {
  return route === 'tcp' ? { code: 'closed', place: 'both' } : { code: 'no-answer', place: 'nowhere' }
}
