import { DatError } from '../../base/errors.js'
import type { Context } from '../context.js'
import { absolute, downloadOptions } from './arguments.js'
import { runListed, type SharingArguments } from './listed.js'
import type { PullArguments } from './pull.js'
import { runDownload } from './run-session.js'

export interface SyncArguments extends PullArguments, SharingArguments {}

/** `dat sync [dir]`: keeps a clone up to date and serves it, until Ctrl-C. */
export async function sync(context: Context, args: SyncArguments): Promise<void> {
  const options = { ...context.common, ...downloadOptions(args), dir: absolute(context.cwd, args.dir) }
  if (args.background && options.dryRun) {
    throw new DatError('USAGE', '--dry-run and --background do not go together')
  }
  await runListed(context, { work: 'sync', path: options.dir, args }, async (report) => {
    const { openSync } = await import('../../core/sync.js')
    await runDownload(context, 'sync', { ...options, report }, openSync)
  })
}
