import { DatError } from '../../base/errors.js'
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
  const report = args.report === undefined ? null : { file: args.report, version }
  if (args.code !== undefined) {
    const link = meantAsLink(args.code)
    refuseWith(link ? 'link' : 'code', { '--it': args.it, ...(link && { '--report': args.report }) })
    if (link) return (await import('./doctor-link.js')).checkLink(context, args.code, options)
    return (await import('./doctor-pair.js')).joinOther(context, args.code, options, report)
  }
  ui.checklist(plan(options))
  const evidence = await examine(options, { quick: false, report: common.report, signal })
  signal.throwIfAborted()
  const verdict = judge(evidence)
  if (args.it === true) {
    ui.info(`\n${verdict.title}\n`)
    await ui.row({ type: 'verdict', ...verdict }, verdict.itText)
  } else {
    ui.event({ type: 'verdict', ...verdict })
  }
  if (report) await (await import('./doctor-report.js')).writeReport(context, report, { evidence, verdict })
  if (!waits(args) || verdict.code === 'offline') return verdict.exitCode
  return (await import('./doctor-pair.js')).awaitOther(context, { evidence, verdict }, report)
}

/**
 * What is about this network alone has no place beside a code or a link.
 * @throws DatError USAGE
 */
function refuseWith(what: string, flags: Record<string, string | boolean | undefined>): void {
  const [flag] = Object.entries(flags).find(([, value]) => value !== undefined) ?? []
  if (flag === undefined) return
  throw new DatError('USAGE', `${flag} is about this network, and cannot go with a ${what}`, {
    hint: `run \`dat doctor ${flag}${flag === '--it' ? '' : ' FILE'}\` without the ${what}`
  })
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
