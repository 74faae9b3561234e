import type { Context } from '../context.js'
import { statusText } from '../ui/table.js'
import { absolute } from './arguments.js'

/** `dat status [dir]`: what is known here, without any network. */
export async function status(context: Context, args: { dir: string }): Promise<void> {
  context.ui.begin('status', { timeout: null })
  const { store, home, signal } = context.common
  const { readStatus } = await import('../../core/status.js')
  const report = await readStatus({ dir: absolute(context.cwd, args.dir), store, home, signal })
  await context.ui.row({ type: 'status', ...report }, statusText(report))
}
