import { existsSync } from 'node:fs'
import { DatError } from '../../base/errors.js'
import { type Context, parseTarget, refuseVersion } from '../context.js'
import { listLine } from '../ui/table.js'
import { readTimeout } from './arguments.js'

export interface ListArguments {
  target: string
  path?: string
  timeout?: string
}

/** `dat ls <link or dir> [path]`: one line for each file. */
export async function ls(context: Context, args: ListArguments): Promise<void> {
  const target = parseTarget(args.target, context.cwd, existsSync)
  const link = 'link' in target ? target.link : null
  refuseVersion(link)
  const timeout = readTimeout(args.timeout)
  const path = [link?.path ?? '', args.path ?? ''].map(trim).filter(Boolean).join('/')
  const { ui } = context
  ui.begin('ls', { timeout: link ? timeout : null })
  const { listFiles } = await import('../../core/list.js')
  let found = false
  for await (const entry of listFiles({ ...context.common(link ?? undefined), target, path, timeout })) {
    found = true
    const modified = entry.modified === null ? null : new Date(entry.modified).toISOString()
    if (!(await ui.row({ type: 'file', ...entry, modified }, listLine(entry)))) return
  }
  if (path && !found) {
    throw new DatError('USAGE', `there is no file or folder "${path}" in this share`, {
      hint: 'run `dat ls` without a path to see what is in it'
    })
  }
}

function trim(path: string): string {
  return path.replace(/^(?:\.?\/)+|\/+$/g, '')
}
