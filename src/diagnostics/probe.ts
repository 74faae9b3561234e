import { performance } from 'node:perf_hooks'
import { deadline } from './deadline.js'
import type { Finding, ProbeStatus } from './evidence.js'
import type { DoctorOptions } from './options.js'
import type { Targets } from './targets.js'

/** What each probe gets. */
export interface ProbeContext {
  options: DoctorOptions
  targets: Targets
  /** Fires when the probe's time is up, or when everything ends: the probe then returns what it has. */
  signal: AbortSignal
}

/** What a probe returns. */
export interface ProbeResult<Facts> {
  status: ProbeStatus
  summary: string
  facts: Facts | null
}

export type Probe<Facts> = (context: ProbeContext) => Promise<ProbeResult<Facts>>

/** After its deadline a probe has this long, in ms, to return what it has. */
const GRACE_MS = 250

/** Runs a probe under a deadline. It never throws and never takes longer: what goes wrong is "unknown". */
export async function runProbe<Facts>(
  id: string,
  probe: Probe<Facts>,
  context: ProbeContext,
  ms: number
): Promise<Finding<Facts>> {
  const began = performance.now()
  const limit = deadline(ms, context.signal)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<ProbeResult<Facts>>((resolve) => {
    timer = setTimeout(() => resolve(unknown('no result in time')), ms + GRACE_MS)
  })
  const run = probe({ ...context, signal: limit.signal }).catch((error: unknown) =>
    unknown<Facts>(`could not be tested: ${error instanceof Error ? error.message : String(error)}`)
  )
  const result = await Promise.race([run, late])
  clearTimeout(timer)
  limit.close()
  return { id, ...result, ms: Math.round(performance.now() - began) }
}

/** Nothing is known. */
export function unknown<Facts>(summary: string): ProbeResult<Facts> {
  return { status: 'unknown', summary, facts: null }
}

/** There was nothing to ask, or no need to. */
export function skipped<Facts>(summary: string): ProbeResult<Facts> {
  return { status: 'skipped', summary, facts: null }
}

/** A finding of a probe that was not run. */
export function notRun<Facts>(id: string, summary: string): Finding<Facts> {
  return { id, ...skipped<Facts>(summary), ms: 0 }
}
