import { existsSync } from 'node:fs'
import type { Context } from '../context.js'
import { logLine } from '../ui/table.js'
import { patience } from './arguments.js'
import { targetInside } from './inside.js'

export interface LogArguments {
  target: string
  path?: string
  timeout?: string
}

/** `dat log [dir, file or link] [path]`: one line for each change, the oldest first. */
export async function log(context: Context, args: LogArguments): Promise<void> {
  const { target, path } = targetInside(args.target, context.cwd, existsSync)
  const { timeout, endEarly } = patience(args.timeout)
  const { ui } = context
  ui.begin('log', { timeout: 'link' in target ? timeout : null })
  const { readLog } = await import('../../core/log.js')
  const inside = [path, args.path ?? ''].filter(Boolean).join('/')
  for await (const change of readLog({ ...context.common, target, path: inside, timeout, endEarly })) {
    if (!(await ui.row({ type: 'change', ...change }, logLine(change)))) return
  }
}
