import { hostname } from 'node:os'
import { DatError } from '../../base/errors.js'
import type { Report } from '../../base/events.js'
import { printable } from '../../base/terminal-text.js'
import { realPathOf } from '../../core/known-share.js'
import { enlist } from '../background/enlist.js'
import { type Launched, launch } from '../background/launch.js'
import { whyItMayEnd } from '../background/logout.js'
import { announce, hasListener } from '../background/parent.js'
import { findRunning, type Mode, type ShareWork } from '../background/records.js'
import { howToStop, showLink, showRunning } from '../background/running-link.js'
import { shellWord } from '../background/shell-word.js'
import type { Context } from '../context.js'
import { formatDate } from '../ui/format.js'

/** The options of commands that share until they are ended. */
export interface SharingArguments {
  background?: boolean
  /** How it was started, and where its log is: said by the dat, or the service, that starts another one. */
  runAs?: Exclude<Mode, 'foreground'>
  log?: string
  qr?: boolean
  /** The options that were typed, as `typedOptions` has them. */
  typed: string[]
}

/** Lives through a share that `dat ps` lists; or has another process live through it, in the background. */
export async function runListed(
  context: Context,
  { work, path, args }: { work: ShareWork; path: string; args: SharingArguments },
  live: (report: Report) => Promise<void>
): Promise<void> {
  if (args.background) return await startInBackground(context, work, path, args)
  const { common } = context
  const { runAs, log = null, typed } = args
  const home = common.home ?? null
  const { report } = common
  const listed = enlist({ home, work, mode: runAs ?? 'foreground', options: typed, log, report })
  const told = runAs === 'background' ? announce(listed.report, listed.written) : listed.report
  let untold: unknown
  try {
    await live((event) => {
      told(event)
      if (args.qr && event.type === 'link' && event.link !== null) context.ui.qr(event.link)
    })
  } catch (error) {
    if (runAs && !context.signal.aborted && !hasListener()) untold = error
    if (runAs || !isLocked(error)) throw error
    await tellShared(context, path, args, error)
  } finally {
    await listed.close(untold)
  }
}

/** Another dat has the folder. If it shares it in the background, all is as it was asked for. */
async function tellShared(context: Context, path: string, args: SharingArguments, error: unknown): Promise<void> {
  const running = await findRunning(context.common.home ?? null, await realPathOf(path))
  if (!running) throw error
  if (running.mode !== 'foreground') return await showRunning(context, running, path, args)
  const { dir, work, pid, since } = running
  const message = `${dir} is shared already: \`dat ${work}\`, process ${pid} on this computer, since ${formatDate(since)}`
  throw new DatError('INDEX_LOCKED', message, { hint: `\`dat stop ${shellWord(dir)}\` ends that one`, cause: error })
}

function isLocked(error: unknown): boolean {
  return error instanceof DatError && error.code === 'INDEX_LOCKED'
}

async function startInBackground(
  context: Context,
  work: ShareWork,
  path: string,
  args: SharingArguments
): Promise<void> {
  const { ui, signal, cwd } = context
  const home = context.common.home ?? null
  if (home === null) {
    throw new DatError('USAGE', 'there is no home folder to keep the log in', { hint: 'name a folder in DAT_HOME' })
  }
  const dir = await realPathOf(path)
  const running = await findRunning(home, dir)
  if (running) return await showRunning(context, running, path, args)
  const onnote = (message: string) => ui.info(`note: ${printable(message)}`)
  let launched: Launched
  try {
    launched = await launch({ work, dir, options: args.typed, home, cwd, signal, onnote })
  } catch (error) {
    if (!isLocked(error)) throw error
    return await tellShared(context, path, args, error)
  }
  const { pid, log, link } = launched
  await showLink(context, link, args.qr)
  await ui.row(
    { type: 'background', dir: link.dir, pid, host: hostname(), mode: 'background', log, already: false },
    null
  )
  ui.info(`Shared in the background, by process ${pid}; ${howToStop(link.dir)}`)
  const danger = await whyItMayEnd(process.env)
  if (danger !== null) ui.info(`note: ${danger}`)
}
