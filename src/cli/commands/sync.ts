import type { Context } from '../context.js'
import { absolute, downloadOptions } from './arguments.js'
import type { PullArguments } from './pull.js'
import { runSession } from './run-session.js'

/** `dat sync [dir]`: keeps a clone up to date and serves it, until Ctrl-C. */
export async function sync(context: Context, args: PullArguments): Promise<void> {
  const options = { ...context.common(), ...downloadOptions(args), dir: absolute(context.cwd, args.dir) }
  context.ui.begin('sync', options)
  const { openSync } = await import('../../core/sync.js')
  await runSession(await openSync(options), context.signal)
}
