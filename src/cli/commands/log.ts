import { existsSync } from 'node:fs'
import { type Context, parseTarget, refuseVersion } from '../context.js'
import { logLine } from '../ui/table.js'
import { patience } from './arguments.js'

export interface LogArguments {
  target: string
  timeout?: string
}

/** `dat log [dir or link]`: one line for each change, the oldest first. */
export async function log(context: Context, args: LogArguments): Promise<void> {
  const target = parseTarget(args.target, context.cwd, existsSync)
  const link = 'link' in target ? target.link : null
  refuseVersion(link)
  const { timeout, endEarly } = patience(args.timeout)
  const { ui } = context
  ui.begin('log', { timeout: link ? timeout : null })
  const { readLog } = await import('../../core/log.js')
  for await (const change of readLog({ ...context.common, target, timeout, endEarly })) {
    if (!(await ui.row({ type: 'change', ...change }, logLine(change)))) return
  }
}
