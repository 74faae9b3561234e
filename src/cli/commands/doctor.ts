import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileError } from '../../base/errors.js'
import type { DoctorOptions } from '../../diagnostics/options.js'
import { type Context, meantAsLink } from '../context.js'

export interface DoctorArguments {
  code?: string
  it?: boolean
  report?: string
  web?: string[]
  wait?: boolean
  json?: boolean
}

/**
 * `dat doctor`: looks at this network and says what it allows.
 * @returns the exit code: 0, 20 (only through a relay) or 21 (not at all)
 * @throws DatError USAGE
 */
export async function doctor(context: Context, args: DoctorArguments, version: string): Promise<number> {
  const { cwd, ui, signal, common } = context
  const [{ examine, plan }, { judge }, { readServers }] = await Promise.all([
    import('../../diagnostics/run.js'),
    import('../../diagnostics/verdicts.js'),
    import('../../diagnostics/targets.js')
  ])
  const web = readServers((args.web ?? []).join(','))
  const options: DoctorOptions = {
    network: common.network,
    version,
    dir: cwd,
    web,
    proxyVariables: proxyVariables(process.env)
  }
  if (args.code !== undefined && meantAsLink(args.code)) {
    return (await import('./doctor-link.js')).checkLink(context, args.code, options)
  }
  if (args.code !== undefined) return (await import('./doctor-pair.js')).joinOther(context, args.code, options)
  ui.checklist(plan(options))
  const evidence = await examine(options, { quick: false, report: common.report, signal })
  signal.throwIfAborted()
  const verdict = judge(evidence)
  if (args.report !== undefined) {
    const { reportText } = await import('../../diagnostics/report.js')
    const { relays, clockOff: _, ...rest } = evidence
    const text = reportText(verdict, [...Object.values(rest), ...relays], { version, date: new Date() })
    const path = resolve(cwd, args.report)
    try {
      writeFileSync(path, text)
    } catch (error) {
      throw fileError(error, `write ${path}`)
    }
  }
  if (args.it === true) {
    ui.info(`\n${verdict.title}\n`)
    await ui.row({ type: 'verdict', ...verdict }, verdict.itText)
  } else {
    ui.event({ type: 'verdict', ...verdict })
  }
  if (args.report !== undefined) ui.info(`\nThe report is in ${args.report}`)
  if (!waits(args) || verdict.code === 'offline') return verdict.exitCode
  return (await import('./doctor-pair.js')).awaitOther(context, { evidence, verdict })
}

/** Whether to wait for another computer: somebody sits there and can type the code elsewhere, or it was asked for. */
function waits({ wait, json, it }: DoctorArguments): boolean {
  if (wait === true) return true
  return json !== true && it !== true && process.stdout.isTTY === true && process.stderr.isTTY === true
}

const PROXY_VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY']

function proxyVariables(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()])
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name] as string]] : [])))
}
