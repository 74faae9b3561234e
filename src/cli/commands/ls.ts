import { existsSync } from 'node:fs'
import { type Context, parseTarget } from '../context.js'
import { listLine } from '../ui/table.js'
import { patience, readVersion } from './arguments.js'

export interface ListArguments {
  target: string
  path?: string
  timeout?: string
  version?: string
}

/** `dat ls <link or dir> [path]`: one line for each file. */
export async function ls(context: Context, args: ListArguments): Promise<void> {
  const target = parseTarget(args.target, context.cwd, existsSync)
  const link = 'link' in target ? target.link : null
  const { timeout, endEarly } = patience(args.timeout)
  const { ui } = context
  ui.begin('ls', { timeout: link ? timeout : null })
  const { listFiles } = await import('../../core/list.js')
  const version = args.version === undefined ? null : readVersion(args.version)
  const options = { ...context.common, target, path: args.path ?? '', timeout, endEarly, version }
  for await (const entry of listFiles(options)) {
    const modified = entry.modified === null ? null : new Date(entry.modified).toISOString()
    if (!(await ui.row({ type: 'file', ...entry, modified }, listLine(entry)))) return
  }
}
