import { formatKey, formatLink } from '../../base/link.js'
import { printable } from '../../base/terminal-text.js'
import { findKnownShare } from '../../core/known-share.js'
import type { Context } from '../context.js'
import { formatDate } from '../ui/format.js'
import type { RunningShare } from './records.js'
import { shellWord } from './shell-word.js'

/** Prints the link of what is shared already, if asked for as a QR code too, and one line about by whom. */
export async function showRunning(context: Context, running: RunningShare, path: string, qr = false): Promise<void> {
  const { store, home = null } = context.common
  const { key } = await findKnownShare({ path, store, home })
  const { dir, pid, host, log, mode, since } = running
  const link = formatLink(key, running.places)
  await context.ui.row({ type: 'link', link, key: formatKey(key), dir }, printable(link))
  if (qr) context.ui.qr(link)
  await context.ui.row({ type: 'background', dir, pid, host, mode, log, already: true }, null)
  context.ui.info(`Shared already, by process ${pid} since ${formatDate(since)}; ${howToStop(dir)}`)
}

/** How to see and to end a share in the background. */
export function howToStop(dir: string): string {
  return `\`dat ps\` shows it, \`dat stop ${printable(shellWord(dir))}\` ends it.`
}
