import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { thisMachine } from '../../core/whereabouts.js'

/**
 * A process, so that it is known again: a number alone is given to another process sooner or later, and on computers
 * with a common home to one on each of them.
 */
export interface ProcessIdentity {
  pid: number
  host: string
  /** See `thisMachine`: nodes of a cluster that start from one image have the same. */
  machine: string
  /** Another one after each start of the computer; '' where the system does not say. */
  boot: string
  /** In which the number counts: a container has its own. '' where the system has none. */
  space: string
  /** When it began, as the system tells it; '' where it does not. Compared, never read. */
  start: string
}

/** What became of a process; `elsewhere`: this computer cannot know. */
export type Whereabouts = 'running' | 'killed' | 'restarted' | 'elsewhere'

const ASK_MS = 10_000

/** Who we are. */
export async function thisProcess(): Promise<ProcessIdentity> {
  return { ...here(), pid: process.pid, start: (await startOf(process.pid)) ?? '' }
}

/** Whether a process still runs, as far as it can be known from here. */
export async function findProcess(known: ProcessIdentity): Promise<Whereabouts> {
  const now = here()
  if (known.machine !== now.machine) return 'elsewhere'
  if (known.host !== now.host && (known.boot === '' || known.boot !== now.boot)) return 'elsewhere'
  if (known.boot !== now.boot) return 'restarted'
  if (known.space !== now.space) return 'elsewhere'
  return known.start !== '' && (await startOf(known.pid)) === known.start ? 'running' : 'killed'
}

function here(): Omit<ProcessIdentity, 'pid' | 'start'> {
  return {
    host: os.hostname(),
    machine: thisMachine(),
    boot: readLine('/proc/sys/kernel/random/boot_id'),
    space: readLinkOf('/proc/self/ns/pid')
  }
}

/** When a process began; null if there is none, or only its exit code is left. */
async function startOf(pid: number): Promise<string | null> {
  if (process.platform === 'linux') return linuxStart(pid)
  if (process.platform === 'win32') {
    return ask('powershell.exe', ['-NoProfile', '-Command', `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`])
  }
  return psStart(pid)
}

/** Field 22 of `/proc/<pid>/stat`, in ticks since the start of the computer; see proc(5). */
export async function linuxStart(pid: number): Promise<string | null> {
  try {
    const text = await fs.promises.readFile(`/proc/${pid}/stat`, 'utf8')
    // The second field is the name of the program, in brackets, with whatever is in it.
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? null : (fields[18] ?? null)
  } catch {
    return null
  }
}

/** The same from POSIX `ps`, to the second. */
export async function psStart(pid: number): Promise<string | null> {
  const text = await ask('ps', ['-o', 'stat=,lstart=', '-p', String(pid)])
  const [, state, start] = /^(\S+)\s+(.*)$/.exec(text ?? '') ?? []
  return !state || state.startsWith('Z') ? null : (start ?? null)
}

function ask(program: string, args: readonly string[]): Promise<string | null> {
  const options = { timeout: ASK_MS, windowsHide: true, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } }
  return new Promise((resolve) => {
    execFile(program, args, options, (error, stdout) => resolve(error ? null : stdout.trim() || null))
  })
}

function readLine(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

function readLinkOf(file: string): string {
  try {
    return fs.readlinkSync(file)
  } catch {
    return ''
  }
}
