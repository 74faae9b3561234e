import { existsSync } from 'node:fs'
import { formatBytes } from '../../base/sizes.js'
import { printable } from '../../base/terminal-text.js'
import type { Difference } from '../../core/diff.js'
import { type Context, parseTarget } from '../context.js'
import { patience, readVersion } from './arguments.js'

export interface DiffArguments {
  from: string
  to?: string
  target: string
  timeout?: string
}

const MARKS = { added: '+', changed: '~', removed: '-' }

/** `dat diff N [M]`: what is different between two versions. */
export async function diff(context: Context, args: DiffArguments): Promise<void> {
  const from = readVersion(args.from)
  // `dat diff 12 frogs`: what is no number is the share.
  const toNewest = args.to === undefined || !/^\d+$/.test(args.to)
  const version = args.to === undefined || toNewest ? null : readVersion(args.to)
  const target = parseTarget(toNewest ? (args.to ?? args.target) : args.target, context.cwd, existsSync)
  const { timeout, endEarly } = patience(args.timeout)
  const { ui } = context
  ui.begin('diff', { timeout: 'link' in target ? timeout : null })
  const { diffVersions } = await import('../../core/diff.js')
  for await (const difference of diffVersions({ ...context.common, target, from, version, timeout, endEarly })) {
    if (!(await ui.row({ type: 'difference', ...difference }, line(difference)))) return
  }
}

function line({ op, path, before, after }: Difference): string {
  const sizes = [before, after].filter((bytes) => bytes !== null).map(formatBytes)
  return `${MARKS[op]} ${sizes.join(' → ').padStart(19)}  ${printable(path)}`
}
