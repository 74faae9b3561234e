import { formatBytes } from '../../base/sizes.js'
import type { Context } from '../context.js'
import { countOf } from '../ui/format.js'
import { absolute } from './arguments.js'

export interface PruneArguments {
  dir: string
  keep?: string
}

/** `dat prune [dir]`: frees what only old versions have. */
export async function prune(context: Context, args: PruneArguments): Promise<void> {
  const { ui, common, cwd } = context
  ui.begin('prune', { timeout: null })
  const { pruneShare } = await import('../../core/prune.js')
  const { contents, bytes, from } = await pruneShare({
    ...common,
    dir: absolute(cwd, args.dir),
    keep: args.keep ?? null
  })
  const freed = contents === 0 ? 'nothing to free' : `freed ${formatBytes(bytes)} of ${countOf(contents, 'old file')}`
  await ui.row({ type: 'pruned', contents, bytes, from }, `${freed}; kept from version ${from} on`)
}
