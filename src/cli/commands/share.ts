import { DatError } from '../../base/errors.js'
import type { OpenDrive } from '../../core/drive.js'
import type { Gate } from '../../core/identity.js'
import type { Context } from '../context.js'
import { absolute } from './arguments.js'
import { runListed, type SharingArguments } from './listed.js'
import { runSession } from './run-session.js'
import { explainWaiting } from './waiting.js'

export interface ShareArguments extends SharingArguments {
  dir: string
  once?: boolean
  watch?: boolean
  ignore?: string[]
  useIgnoreFiles?: boolean
  moved?: boolean
  newLink?: boolean
  history?: boolean
  keep?: string
  gated?: boolean
  strict?: boolean
  /** Only what was shared before: a disk that is not mounted looks like an empty folder. */
  existing?: boolean
  http?: string | true
}

/** What `--history`, `--no-history` and `--keep` say together; undefined where they say nothing. */
function historyOf({ history, keep }: ShareArguments): string | null | undefined {
  if (history === false) return null
  return keep ?? (history ? 'all' : undefined)
}

/** What `--gated`, `--strict` and `--no-gated` say together; undefined where they say nothing. @throws DatError USAGE */
function gateOf({ gated, strict }: ShareArguments): Gate | undefined {
  if (gated === false && strict) throw new DatError('USAGE', '--strict and --no-gated do not go together')
  if (gated === false) return 'open'
  return strict ? 'strict' : gated ? 'gated' : undefined
}

/** `dat share [dir]`: runs until Ctrl-C, or with `--once` until one peer has everything; in the background if asked to. */
export async function share(context: Context, args: ShareArguments): Promise<void> {
  const options = {
    ...context.common,
    path: absolute(context.cwd, args.dir),
    watch: args.watch !== false,
    once: args.once === true,
    useIgnoreFiles: args.useIgnoreFiles !== false,
    ignore: args.ignore ?? [],
    moved: args.moved === true,
    newLink: args.newLink === true,
    history: historyOf(args),
    gate: gateOf(args)
  }
  const { http } = args
  const beside = async (open: OpenDrive) => {
    const [{ serveOpen }, { serveBeside }] = await Promise.all([import('../../core/served.js'), import('./serve.js')])
    return serveBeside(context, serveOpen(open), http ?? true)
  }
  await runListed(context, { work: 'share', path: options.path, args }, async (report) => {
    context.ui.begin('share', { timeout: null })
    const { openShare } = await import('../../core/share.js')
    if (args.existing)
      await (await import('../../core/known-share.js')).findKnownShare({ ...options, home: options.home ?? null })
    const waiting = explainWaiting({ ...options, report }, { from: 'stalled' })
    try {
      await runSession(
        await openShare({ ...options, report: waiting.report, ...(http !== undefined && { beside }) }),
        context.signal
      )
    } finally {
      waiting.close()
    }
  })
}
