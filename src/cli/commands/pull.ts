import type { Context } from '../context.js'
import { absolute, type DownloadArguments, downloadOptions } from './arguments.js'
import { runDownload } from './run-session.js'

export interface PullArguments extends DownloadArguments {
  dir: string
}

/** `dat pull [dir]`: brings a clone up to date. */
export async function pull(context: Context, args: PullArguments): Promise<void> {
  const options = { ...context.common, ...downloadOptions(args), dir: absolute(context.cwd, args.dir) }
  const { openPull } = await import('../../core/pull.js')
  await runDownload(context, 'pull', options, openPull)
}
