import { DatError } from '../../base/errors.js'
import { printable } from '../../base/terminal-text.js'
import type { Context } from '../context.js'
import type { ServiceAction } from '../service/actions.js'
import { install } from '../service/install.js'
import { type InstalledService, listInstalled, removeService } from '../service/installed.js'
import { type Manager, managerHere } from '../service/manager.js'
import { absolute } from './arguments.js'

export interface ServiceArguments {
  dir: string
  all?: boolean
  cron?: boolean
  /** The options of the share, as `typedOptions` has them. */
  typed: string[]
}

/** `dat service install|list|remove`: shares that start with the computer. */
export async function service(context: Context, action: ServiceAction, args: ServiceArguments): Promise<void> {
  const path = absolute(context.cwd, args.dir)
  if (action === 'install') return await install(context, { path, typed: args.typed, cron: args.cron === true })
  const manager = managerHere(process.env)
  if (action === 'list') return await list(context, manager)
  const { realPathOf } = await import('../../core/known-share.js')
  const dir = await realPathOf(path).catch(() => path)
  const all = await listInstalled(manager)
  const chosen = args.all ? all : all.filter((one) => one.dir === dir)
  if (chosen.length === 0 && !args.all) {
    throw new DatError('NOT_SHARED', `there is no service for ${dir}`, { hint: '`dat service list` lists them' })
  }
  if (chosen.length === 0) context.ui.info('There are no services.')
  for (const one of chosen) await remove(context, manager, one)
}

async function list({ ui }: Context, manager: Manager): Promise<void> {
  const all = await listInstalled(manager)
  if (all.length === 0) ui.info('There are no services.')
  for (const { name, dir, work, file } of all) {
    const active = await manager.isActive(name)
    const state = active === null ? 'unknown' : active ? 'running' : 'not running'
    await ui.row(
      { type: 'service', name, dir, work, file, active },
      `${state.padEnd(11)}  ${work.padEnd(5)}  ${printable(dir)}  (${printable(name)})`
    )
  }
}

async function remove({ ui }: Context, manager: Manager, one: InstalledService): Promise<void> {
  const { name, dir, file } = one
  // Also where the manager does not answer: without its file it starts nothing the next time.
  await manager.disable(name)
  await removeService(file)
  await ui.row({ type: 'service.removed', name, dir, file }, null)
  ui.info(`Removed ${printable(name)}: ${printable(dir)} is no longer shared by it.`)
}
