import { isInvite, parseInvite } from '../../base/invite-link.js'
import { parseLink } from '../../base/link.js'
import type { Context } from '../context.js'
import { absolute, type DownloadArguments, downloadOptions, readVersion } from './arguments.js'
import { readLinkText } from './link-argument.js'
import { runDownload } from './run-session.js'

export interface CloneArguments extends DownloadArguments {
  link: string
  dir?: string
  version?: string
}

/** `dat clone <link> [dir]`: downloads into a new folder, or resumes in it. */
export async function clone(context: Context, args: CloneArguments): Promise<void> {
  const text = await readLinkText(args.link, context.signal)
  const options = {
    ...context.common,
    ...downloadOptions(args),
    version: args.version === undefined ? null : readVersion(args.version),
    dir: args.dir === undefined ? null : absolute(context.cwd, args.dir),
    parent: context.cwd
  }
  if (isInvite(text)) {
    const invited = { ...options, link: parseInvite(text) }
    const { openInvitedClone } = await import('../../core/invited-clone.js')
    return await runDownload(context, 'clone', invited, openInvitedClone)
  }
  const { openClone } = await import('../../core/clone.js')
  await runDownload(context, 'clone', { ...options, link: parseLink(text) }, openClone)
}
