import { DatError } from '../../base/errors.js'
import type { DatEvent } from '../../base/events.js'
import type { PairResult } from '../../base/pair-events.js'
import { deadline } from '../../diagnostics/deadline.js'
import type { DoctorOptions } from '../../diagnostics/options.js'
import type { Control } from '../../diagnostics/pair/control.js'
import type { NetworkOptions } from '../../transport/transport.js'
import type { Context } from '../context.js'
import type { Findings, ReportTo } from './doctor-report.js'

/** How long `dat doctor <code>` looks for the computer that printed the code, in ms, once its own tests are done. */
const SEARCH_MS = 40_000
const LOOK_MS = 250

/**
 * The end of `dat doctor`: prints a code, and waits for the computer on which it is typed.
 * @param to where the report is, to which the test of the two is to be added
 * @returns the exit code: of the test of the two, or of the verdict when nobody came
 */
export async function awaitOther(context: Context, own: Findings, to: ReportTo | null): Promise<number> {
  const { ui, signal, common } = context
  if (!canMeet(common.network)) return own.verdict.exitCode
  const [{ CODE_LIFE_MS, newCode, Secrets }, { Control }, { spokenLine }] = await load()
  const code = newCode()
  const secrets = await Secrets.of(code)
  const control = await Control.open(common.network, secrets, quiet)
  try {
    const began = performance.now()
    const relays = common.network.relays ?? []
    const command = [`dat doctor ${code}`, ...(relays.length > 0 ? [`--relay ${relays.join(',')}`] : [])].join(' ')
    const line = spokenLine(own.verdict.code, own.evidence)
    ui.event({ type: 'pair.code', code, command, seconds: CODE_LIFE_MS / 1000, line })
    const limit = deadline(CODE_LIFE_MS, signal)
    const met = await control.met(limit.signal)
    limit.close()
    signal.throwIfAborted()
    if (!met) {
      ui.info(`Nobody came. Run \`dat doctor\` on the other computer, and compare; this one: ${line}`)
      return own.verdict.exitCode
    }
    tellMet(context, control, began)
    return await test(context, control, secrets, own, to)
  } finally {
    await control.close()
  }
}

/**
 * `dat doctor <code>`: looks at this network while it looks for the computer that printed the code, then tests the two.
 * @returns the exit code: 0, 20 (only through a relay) or 21 (not at all)
 * @throws DatError USAGE for what is no code, NO_PEER when the other computer is not found
 */
export async function joinOther(
  context: Context,
  text: string,
  options: DoctorOptions,
  to: ReportTo | null
): Promise<number> {
  const { ui, signal, common } = context
  const [{ readCode, Secrets }, { Control }, { spokenLine }] = await load()
  const code = readCode(text)
  const [{ examine, plan }, { judge }] = await Promise.all([
    import('../../diagnostics/run.js'),
    import('../../diagnostics/verdicts.js')
  ])
  const secrets = await Secrets.of(code)
  const began = performance.now()
  const control = await Control.open(common.network, secrets, quiet)
  try {
    ui.checklist(plan(options))
    const evidence = await examine(options, { quick: false, report: common.report, signal })
    signal.throwIfAborted()
    const own = { evidence, verdict: judge(evidence) }
    if (!(await search(control, signal))) {
      ui.event({ type: 'verdict', ...own.verdict })
      if (to) await (await import('./doctor-report.js')).writeReport(context, to, own)
      throw new DatError('NO_PEER', 'the computer that printed this code was not found', {
        hint:
          'does `dat doctor` still wait there? If so, name the same relay on both computers (--relay), or compare ' +
          `what they say; this one: ${spokenLine(own.verdict.code, evidence)}`
      })
    }
    tellMet(context, control, began)
    return await test(context, control, secrets, own, to)
  } finally {
    await control.close()
  }
}

function load() {
  return Promise.all([
    import('../../diagnostics/pair/code.js'),
    import('../../diagnostics/pair/control.js'),
    import('../../diagnostics/pair/words.js')
  ])
}

/** Whether there is any way left by which another computer could be met. */
function canMeet({ dht, lan, listen, peers, relays = [] }: NetworkOptions): boolean {
  return dht || lan || listen !== null || peers.length + relays.length > 0
}

/** Looks for the other computer until it is there, or there is evidence that it will not be found. */
async function search(control: Control, signal: AbortSignal): Promise<boolean> {
  const limit = deadline(SEARCH_MS, signal)
  const look = setInterval(() => {
    if (control.outlook !== 'unknown') limit.abort()
  }, LOOK_MS)
  try {
    const met = await control.met(limit.signal)
    signal.throwIfAborted()
    return met
  } finally {
    limit.close()
    clearInterval(look)
  }
}

function tellMet({ ui }: Context, { peer }: Control, began: number): void {
  if (!peer) return
  const { id, route, address } = peer
  ui.event({ type: 'pair.met', peer: id, route, address, ms: Math.round(performance.now() - began) })
}

async function test(
  context: Context,
  control: Control,
  secrets: Parameters<typeof Control.open>[1],
  own: Findings,
  to: ReportTo | null
): Promise<number> {
  const { common, signal } = context
  const { testPair } = await import('../../diagnostics/pair/session.js')
  let result: PairResult | undefined
  const report = (event: DatEvent): void => {
    if (event.type === 'pair.result') result = event
    common.report(event)
  }
  const { exitCode } = await testPair({ network: common.network, secrets, control, own, report, signal })
  if (to) await (await import('./doctor-report.js')).writeReport(context, to, own, result)
  return exitCode
}

/** While the two look for each other, what the connector says is of no use to anybody. */
function quiet(): void {}
