import { DatError, EXIT, type Failure, reasonOf } from '../../base/errors.js'
import { printable } from '../../base/terminal-text.js'
import { endProcess } from '../background/end.js'
import { type Found, isOver, listRunning, type RunningShare, removeRecord } from '../background/records.js'
import { shellWord } from '../background/shell-word.js'
import type { Context } from '../context.js'
import { absolute } from './arguments.js'

export interface StopArguments {
  dir: string
  all?: boolean
  force?: boolean
}

/** `dat stop [dir]`: ends what shares a folder as Ctrl-C does, and waits for it. */
export async function stop(context: Context, args: StopArguments): Promise<number> {
  const home = context.common.home ?? null
  const all = await listRunning(home)
  const running = args.all
    ? all.filter(({ whereabouts }) => whereabouts === 'running')
    : [await find(all, context, args)]
  const failures: Failure[] = []
  for (const { record } of running) {
    const reason = await end(context, record, args.force === true)
    if (reason !== null) failures.push({ path: record.dir, reason })
  }
  if (args.all && running.length === 0) context.ui.info('Nothing is shared on this computer.')
  const [first] = failures
  if (!first) return EXIT.done
  const still = failures.length === 1 ? `${first.path}: ${first.reason}` : `${failures.length} shares still run`
  const hint = '`dat stop --force` ends it at once; nothing on the disk is lost by that'
  throw new DatError('PARTIAL', still, { hint, failures: failures.length === 1 ? [] : failures })
}

/** @returns why it still runs; null if it has ended */
async function end({ ui, signal }: Context, record: RunningShare, force: boolean): Promise<string | null> {
  const { dir, pid, host, mode } = record
  try {
    const how = await endProcess(record, { force, signal })
    if (how === 'refused') return `process ${pid} does not end`
    await ui.row({ type: 'stopped', dir, pid, host, forced: how === 'killed' }, null)
    ui.info(`${how === 'killed' ? 'Killed' : 'Stopped'}: ${printable(dir)} (process ${pid})`)
    if (mode === 'service') {
      const type = `dat service remove ${printable(shellWord(dir))}`
      ui.info(`It is a service, which starts again with the computer; \`${type}\` ends that.`)
    }
    return null
  } catch (error) {
    if (signal.aborted) throw error
    return `process ${pid} cannot be ended: ${reasonOf(error)}`
  }
}

/** @throws DatError NOT_SHARED, SHARED_ELSEWHERE */
async function find(all: readonly Found[], context: Context, args: StopArguments): Promise<Found> {
  const { realPathOf } = await import('../../core/known-share.js')
  const given = absolute(context.cwd, args.dir)
  // What is gone is known by the name that it had.
  const dir = await realPathOf(given).catch(() => given)
  const there = all.filter(({ record }) => record.dir === dir)
  const here = there.find(({ whereabouts }) => whereabouts === 'running')
  if (here) return here
  const elsewhere = there.find(({ whereabouts }) => whereabouts === 'elsewhere')?.record
  if (elsewhere) {
    const { pid, host } = elsewhere
    throw new DatError(
      'SHARED_ELSEWHERE',
      `${dir} is shared by process ${pid} on ${host}, and this is another computer`,
      {
        hint: `type it on ${host}: dat stop ${shellWord(dir)}`
      }
    )
  }
  const over = there.find(isOver)
  if (over && context.common.home) await removeRecord(context.common.home, over.record.id)
  const what = over ? `${dir} is no longer shared: ${whyOver(over)}` : `nothing shares ${dir} now`
  throw new DatError('NOT_SHARED', what)
}

function whyOver({ record, whereabouts }: Found): string {
  if (record.failure !== null) return record.failure
  return whereabouts === 'restarted' ? 'the computer was restarted' : `process ${record.pid} was killed`
}
