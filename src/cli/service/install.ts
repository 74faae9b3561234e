import { DatError } from '../../base/errors.js'
import { printable } from '../../base/terminal-text.js'
import { type KnownShare, prepareShare } from '../../core/known-share.js'
import { linkEvent } from '../../core/shown-link.js'
import { ownCommand } from '../background/own-command.js'
import { logFile, placeName } from '../background/place-name.js'
import { findRunning, type RunningShare, type ShareWork } from '../background/records.js'
import { showLink } from '../background/running-link.js'
import { shellWord } from '../background/shell-word.js'
import type { Context } from '../context.js'
import { cronLine } from './cron.js'
import { serviceEnvironment } from './environment.js'
import { writeService } from './installed.js'
import { lingers, lingerText } from './linger.js'
import { type Manager, managerHere } from './manager.js'
import type { ServiceSpec } from './spec.js'

const START_MS = 20_000
const LOOK_MS = 100

interface Wish {
  path: string
  typed: readonly string[]
  cron: boolean
}

/** `dat service install [dir]`: has a folder shared from the start of the computer on. */
export async function install(context: Context, wish: Wish): Promise<void> {
  const { store, home = null } = context.common
  if (process.platform === 'win32') throw windowsHint(wish)
  if (home === null) {
    throw new DatError('USAGE', 'there is no home folder to keep the log in', { hint: 'name a folder in DAT_HOME' })
  }
  const manager = wish.cron ? null : managerHere(process.env)
  if (manager && !(await manager.exists())) {
    throw new DatError('USAGE', 'this computer has no systemd', { hint: 'add --cron for a line for crontab' })
  }
  const share = await prepareShare({ path: wish.path, store, home })
  const running = await findRunning(home, share.dir)
  const { spec, note } = plan(context, wish, { share, running, home, manager })
  if (note !== null) context.ui.info(note)
  if (!manager) return await printCron(context, spec)
  await start(context, manager, spec, { share, running, home })
}

/** What is to be started, and what has to be said about it. */
function plan(
  { cwd }: Context,
  wish: Wish,
  at: { share: KnownShare; running: RunningShare | null; home: string; manager: Manager | null }
): { spec: ServiceSpec; note: string | null } {
  const { share, running, home, manager } = at
  const { dir } = share
  const work: ShareWork = share.role === 'clone' ? 'sync' : 'share'
  const kept = wish.typed.length > 0 ? wish.typed : running?.work === work ? running.options : optionsOf(share)
  // In a clone these mean nothing, as for `dat share` there.
  const options = kept.filter((one) => work === 'share' || !/^--(?:no-watch|no-ignore|ignore=)/.test(one))
  const manner = manager === null ? ['--background', '--quiet'] : ['--run-as=service', `--log=${logFile(home, dir)}`]
  const existing = work === 'share' ? ['--existing'] : []
  const command = [...ownCommand(), work, ...options, ...existing, ...manner, '--', dir]
  const { kept: environment, withheld } = serviceEnvironment(process.env, home, cwd)
  const place = placeName(dir)
  const note =
    withheld.length === 0
      ? null
      : `note: ${withheld.join(', ')} has a password, which is not written down here; add it yourself if it needs one.`
  return { spec: { name: manager?.nameOf(place) ?? place, dir, work, command, environment }, note }
}

/** What was left out of the last share must not get into this one. */
function optionsOf({ ignore }: KnownShare): string[] {
  if (ignore === null) return []
  return [...(ignore.useIgnoreFiles ? [] : ['--no-ignore']), ...ignore.ignore.map((pattern) => `--ignore=${pattern}`)]
}

async function printCron({ ui }: Context, spec: ServiceSpec): Promise<void> {
  const line = cronLine(spec)
  await ui.row({ type: 'service.cron', dir: spec.dir, work: spec.work, line }, line)
  ui.info('Put this line into your crontab: `crontab -e`, on the computer that has the folder. It shares the folder')
  ui.info('in the background each time that computer starts. To begin now: dat share --background')
}

async function start(
  context: Context,
  manager: Manager,
  spec: ServiceSpec,
  { share, running, home }: { share: KnownShare; running: RunningShare | null; home: string }
): Promise<void> {
  const { ui, signal } = context
  const { name, dir, work } = spec
  const taken = running !== null && running.mode !== 'service'
  const file = await writeService(manager, spec)
  const answer = await manager.enable(name, !taken)
  if (answer.code !== 0) {
    const [why = ''] = answer.stderr.trim().split('\n')
    throw new DatError('PARTIAL', `${file} is written, but it could not be started: ${why || 'no reason given'}`, {
      hint: `type this on the computer itself, after a fresh login: ${manager.typed(name)}. Or use cron: add --cron`
    })
  }
  const started = taken ? running : await untilRunning(home, dir, signal)
  const linger = process.platform === 'linux' ? await lingers() : null
  const active = !taken && started !== null
  if (started !== null) {
    const { key, gate } = share
    await showLink(context, linkEvent({ key, gate, dir }, started.places))
  }
  await ui.row({ type: 'service', name, dir, work, file, active, linger }, null)
  ui.info(`Installed: ${printable(file)}`)
  if (taken) {
    const type = `dat stop ${printable(shellWord(dir))}`
    ui.info(`It is shared already, by process ${running.pid}. The service takes over at the next start of the`)
    ui.info(`computer, or now: ${type} && ${startNow(name)}`)
  }
  for (const line of process.platform === 'linux' ? lingerText(linger, dir) : [MAC]) ui.info(line)
  if (started === null) {
    throw new DatError('PARTIAL', `${name} was started, but does not share ${dir} yet`, {
      hint: `see \`dat ps\`, and the log ${logFile(home, dir)}`
    })
  }
}

const MAC = 'It runs while you are logged in on this Mac, and starts when you log in.'

function startNow(name: string): string {
  return process.platform === 'linux'
    ? `systemctl --user start ${name}`
    : `launchctl kickstart gui/${process.getuid?.() ?? 0}/${name}`
}

async function untilRunning(home: string, dir: string, signal: AbortSignal): Promise<RunningShare | null> {
  const until = performance.now() + START_MS
  while (performance.now() < until) {
    if (signal.aborted) throw signal.reason
    const running = await findRunning(home, dir)
    if (running?.mode === 'service') return running
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return null
}

function windowsHint({ path, typed }: Wish): DatError {
  const words = [...ownCommand(), 'share', ...typed, '--existing', '--background', '--', path]
  const run = words.map((word) => `\\"${word}\\"`).join(' ')
  return new DatError('USAGE', 'services are for Linux and macOS; on Windows the Task Scheduler does the same', {
    hint: `share the folder once, then type: schtasks /Create /SC ONLOGON /TN "dat ${placeName(path)}" /TR "${run}"`
  })
}
