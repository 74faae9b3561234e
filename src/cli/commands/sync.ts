import type { Context } from '../context.js'
import { absolute, downloadOptions } from './arguments.js'
import type { PullArguments } from './pull.js'
import { runDownload } from './run-session.js'

/** `dat sync [dir]`: keeps a clone up to date and serves it, until Ctrl-C. */
export async function sync(context: Context, args: PullArguments): Promise<void> {
  const options = { ...context.common, ...downloadOptions(args), dir: absolute(context.cwd, args.dir) }
  const { openSync } = await import('../../core/sync.js')
  await runDownload(context, 'sync', options, openSync)
}
