import { printable } from '../../base/terminal-text.js'
import { listRunning } from '../background/records.js'
import type { Context } from '../context.js'
import { processRow, processTable } from '../ui/processes.js'

/** `dat ps`: what is shared now, on this computer and by others with the same home. */
export async function ps(context: Context): Promise<void> {
  const { ui, common } = context
  const all = await listRunning(common.home ?? null)
  if (all.length === 0) ui.info('Nothing is shared now.')
  const lines = processTable(all, { width: screenWidth(), now: Date.now() })
  for (const [i, found] of all.entries()) {
    await ui.row(processRow(found), i === 0 ? lines.slice(0, 2).join('\n') : (lines[i + 1] ?? null))
  }
  for (const { record } of all) {
    const { dir, failure, log } = record
    if (failure !== null)
      ui.info(`${printable(dir)}: ${printable(failure)}${log === null ? '' : ` (log: ${printable(log)})`}`)
  }
}

/** What a program reads is whole, however wide. */
function screenWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns || 80 : Number.POSITIVE_INFINITY
}
