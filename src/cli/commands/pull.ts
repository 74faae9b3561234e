import type { Context } from '../context.js'
import { absolute, type DownloadArguments, downloadOptions, readVersion } from './arguments.js'
import { runDownload } from './run-session.js'

export interface PullArguments extends DownloadArguments {
  dir: string
  version?: string
}

/** @throws DatError USAGE */
export function wantedVersion(text: string | undefined): { version?: number | null } {
  if (text === undefined) return {}
  return { version: text === 'newest' ? null : readVersion(text) }
}

/** `dat pull [dir]`: brings a clone up to date. */
export async function pull(context: Context, args: PullArguments): Promise<void> {
  const wanted = { ...downloadOptions(args), ...wantedVersion(args.version) }
  const options = { ...context.common, ...wanted, dir: absolute(context.cwd, args.dir) }
  const { openPull } = await import('../../core/pull.js')
  await runDownload(context, 'pull', options, openPull)
}
