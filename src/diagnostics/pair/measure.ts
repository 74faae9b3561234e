import type { Route } from '../../base/events.js'
import type { Control, Message } from './control.js'
import { type Figures, seenBackwards } from './result.js'
import { FILL_BYTES, FILL_MS, type Trial } from './trial.js'
import { FILLER_BYTES, type Wire } from './wire.js'

const PINGS = 7
const PING_MS = 2000
/** Until the first piece of a measurement is here. */
const START_MS = 5000
/** What the slowest route may take for one step. */
const STEP_MS = 12_000
/** Figures of the other end beyond these are none. */
const MAX_MS = 600_000
const MAX_RATE = 1e12

/**
 * Measures one route, as the end that leads: round trips, then what goes through in each direction, one after the
 * other. The other end runs `assist`.
 */
export async function measure(trial: Trial, control: Control, signal: AbortSignal): Promise<Figures> {
  const { route } = trial
  control.say({ type: 'measure', route })
  const roundTrip = await roundTripOf(trial.wire, signal)
  const before = trial.wire?.packets ?? null
  await trial.wire?.fill(FILL_BYTES, FILL_MS, signal)
  control.say({ type: 'filled', route })
  const received = await control.next(['received'], STEP_MS, signal)
  const lossUp = lossBetween(before, trial.wire?.packets ?? null)
  const down = await rateOf(trial, signal)
  const sent = await control.next(['sent'], STEP_MS, signal)
  const figures = {
    roundTrip,
    up: readNumber(received.rate, MAX_RATE),
    down,
    lossUp,
    lossDown: readNumber(sent.loss, 1)
  }
  control.say({ type: 'measured', route, ...figures })
  return figures
}

/** The other end of `measure`. @returns the figures as seen from here */
export async function assist(trial: Trial, control: Control, signal: AbortSignal): Promise<Figures> {
  // The leader's filler may come before its word that it is over.
  const rate = await rateOf(trial, signal)
  await control.next(['filled'], STEP_MS, signal)
  control.say({ type: 'received', route: trial.route, rate })
  const before = trial.wire?.packets ?? null
  await trial.wire?.fill(FILL_BYTES, FILL_MS, signal)
  control.say({ type: 'sent', route: trial.route, loss: lossBetween(before, trial.wire?.packets ?? null) })
  return readFigures(await control.next(['measured'], STEP_MS, signal))
}

/** Which route the leader wants to measure. */
export function readRoute(message: Message, known: ReadonlySet<Route>): Route | null {
  return [...known].find((route) => route === message.route) ?? null
}

function readFigures(message: Message): Figures {
  return seenBackwards({
    roundTrip: readNumber(message.roundTrip, MAX_MS),
    up: readNumber(message.up, MAX_RATE),
    down: readNumber(message.down, MAX_RATE),
    lossUp: readNumber(message.lossUp, 1),
    lossDown: readNumber(message.lossDown, 1)
  })
}

/** A number that came from elsewhere, between 0 and a limit; null for anything else. */
export function readNumber(value: unknown, most: number): number | null {
  return typeof value === 'number' && value >= 0 && value <= most ? value : null
}

async function roundTripOf(wire: Wire | null, signal: AbortSignal): Promise<number | null> {
  const times: number[] = []
  for (let i = 0; wire && i < PINGS; i++) {
    const ms = await wire.ping(PING_MS, signal)
    if (ms === null) break
    times.push(ms)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)] ?? null
}

/** Bytes per second that come in; null when nothing does. */
async function rateOf(trial: Trial, signal: AbortSignal): Promise<number | null> {
  const gone = () => trial.wire === null
  await trial.until(() => trial.intake.bytes > 0 || trial.intake.ended || gone(), START_MS, signal)
  await trial.until(() => trial.intake.ended || gone(), FILL_MS, signal)
  const { bytes, first, last } = trial.intake
  // The first piece started the clock.
  const counted = bytes - FILLER_BYTES
  return counted > 0 && last > first ? (counted / (last - first)) * 1000 : null
}

function lossBetween(before: Wire['packets'], after: Wire['packets']): number | null {
  if (!before || !after || after.sent <= before.sent) return null
  return Math.min(1, Math.max(0, (after.again - before.again) / (after.sent - before.sent)))
}
