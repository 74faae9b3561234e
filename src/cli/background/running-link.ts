import { DatError } from '../../base/errors.js'
import type { DatEvent } from '../../base/events.js'
import { printable } from '../../base/terminal-text.js'
import { findKnownShare } from '../../core/known-share.js'
import { linkEvent } from '../../core/shown-link.js'
import type { Context } from '../context.js'
import { formatDate } from '../ui/format.js'
import { invitedOnly } from '../ui/invited-only.js'
import { GATES } from './enlist.js'
import type { RunningShare } from './records.js'
import { shellWord } from './shell-word.js'

/**
 * Prints the link of what is shared already, and one line about by whom.
 * @param typed the options of this time: what is shared goes on with those of another; `qr` shows a QR code too
 * @throws DatError INDEX_LOCKED where they say whom to serve, which must not be taken for done
 */
export async function showRunning(
  context: Context,
  running: RunningShare,
  path: string,
  { typed, qr }: { typed: readonly string[]; qr?: boolean }
): Promise<void> {
  const { store, home = null } = context.common
  if (typed.some((option) => GATES.includes(option))) {
    const message = `${running.dir} is shared already, by process ${running.pid}: whom it serves is said when it starts`
    throw new DatError('INDEX_LOCKED', message, {
      hint: `type \`dat stop ${shellWord(running.dir)}\`, then this again`
    })
  }
  const { key, gate } = await findKnownShare({ path, store, home })
  const { dir, pid, host, log, mode, since } = running
  await showLink(context, linkEvent({ key, gate, dir }, running.places), qr)
  await context.ui.row({ type: 'background', dir, pid, host, mode, log, already: true }, null)
  context.ui.info(`Shared already, by process ${pid} since ${formatDate(since)}; ${howToStop(dir)}`)
}

/** Prints the link of a share that goes on elsewhere; of one by invitation only, how to let somebody in. */
export async function showLink({ ui }: Context, event: Extract<DatEvent, { type: 'link' }>, qr = false): Promise<void> {
  await ui.row(event, event.link === null ? null : printable(event.link))
  if (qr && event.link !== null) ui.qr(event.link)
  if (event.link === null) ui.info(`Shared ${invitedOnly(event.gate === 'closed' ? null : event.dir)}`)
}

/** How to see and to end a share in the background. */
export function howToStop(dir: string): string {
  return `\`dat ps\` shows it, \`dat stop ${printable(shellWord(dir))}\` ends it.`
}
