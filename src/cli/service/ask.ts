import { execFile } from 'node:child_process'
import fs from 'node:fs'

const ASK_MS = 30_000

export interface Answer {
  /** null: there is no such program. */
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a program of the system, and waits for its end. */
export function ask(program: string, args: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: ASK_MS, env: userBus(process.env) }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : error.code === 'ENOENT' ? null : 1) : 0
      resolve({ code, stdout, stderr })
    })
  })
}

/** By `su`, `sudo` and cron one gets a shell that does not say where the user's bus is; it is always in this place. */
function userBus(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (env.XDG_RUNTIME_DIR || !process.getuid) return env
  const usual = `/run/user/${process.getuid()}`
  return fs.existsSync(usual) ? { ...env, XDG_RUNTIME_DIR: usual } : env
}
