import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import { constants } from 'node:os'
import path from 'node:path'
import { DatError, isErrorCode } from '../../base/errors.js'
import type { DatEvent } from '../../base/events.js'
import type { Explained } from '../ui/error.js'
import { openLog } from './log-file.js'
import { environmentFor, ownCommand } from './own-command.js'
import type { Told } from './parent.js'
import { logFile } from './place-name.js'
import type { ShareWork } from './records.js'

export interface Launch {
  work: ShareWork
  /** Absolute. */
  dir: string
  options: readonly string[]
  home: string
  cwd: string
  signal: AbortSignal
  onnote(message: string): void
}

export interface Launched {
  pid: number
  log: string
  link: Extract<DatEvent, { type: 'link' }>
}

/**
 * Starts `dat share` or `dat sync` in a session of its own: without a terminal, in the root folder, with nothing of ours
 * open. Resolves when others can get the share.
 * @throws DatError what the other process failed with, or the reason of the signal
 */
export async function launch(given: Launch): Promise<Launched> {
  const { work, dir, options, home, signal } = given
  const log = logFile(home, dir)
  const errors = openLog(log)
  let child: ChildProcess
  try {
    const [program = '', ...before] = ownCommand()
    child = spawn(program, [...before, work, ...options, '--run-as=background', `--log=${log}`, '--', dir], {
      detached: true,
      windowsHide: true,
      cwd: path.parse(dir).root,
      env: environmentFor(home, given.cwd, process.env),
      stdio: ['ignore', 'ignore', errors, 'ipc']
    })
  } finally {
    fs.closeSync(errors)
  }
  const onabort = () => child.kill('SIGTERM')
  signal.addEventListener('abort', onabort, { once: true })
  try {
    const link = await hear(child, log, given)
    if (signal.aborted) throw signal.reason
    return { pid: child.pid ?? 0, log, link }
  } finally {
    signal.removeEventListener('abort', onabort)
    if (child.connected) child.disconnect()
    child.unref()
  }
}

/** Listens to the other process until it shares, or has failed. */
function hear(child: ChildProcess, log: string, { signal, onnote }: Launch): Promise<Launched['link']> {
  return new Promise((resolve, reject) => {
    let link: Launched['link'] | null = null
    let failure: unknown = null
    child.on('message', (told: Told) => {
      if (told.type === 'link') link = told.event
      else if (told.type === 'note') onnote(told.message)
      else if (told.type === 'failed') failure = errorOf(told.error)
      else if (link) resolve(link)
    })
    child.on('error', reject)
    child.on('exit', (code, by) => {
      if (signal.aborted) reject(signal.reason)
      else reject(failure ?? endedAlone(code, by, log))
    })
  })
}

/** An error that another process has explained, as it was there. */
function errorOf({ code, message, hint, failures, stack }: Explained): Error {
  if (isErrorCode(code)) return new DatError(code, message, { hint, failures })
  const bug = new Error(message)
  if (stack) bug.stack = stack
  return bug
}

function endedAlone(code: number | null, by: NodeJS.Signals | null, log: string): Error {
  const message = `the dat in the background was ended (${by ?? `exit code ${code}`}) before it shared anything`
  if (by === null && code !== 128 + constants.signals.SIGKILL) return new Error(`${message}; see ${log}`)
  const hint = `something on this computer ends programs; if it is the memory that is short, the administrator can say. Log: ${log}`
  return new DatError('INTERRUPTED', message, { hint })
}
