import fs from 'node:fs'
import { resolve } from 'node:path'

/**
 * The words that start this program again, absolute. The standalone build says itself by which file it was started
 * (bin/standalone/launcher.sh); its process is another one, which leaves with the next version.
 */
export function ownCommand(env: NodeJS.ProcessEnv = process.env): string[] {
  const launcher = env.DAT_LAUNCHER
  if (!launcher) return [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? '')]
  try {
    fs.accessSync(launcher, fs.constants.X_OK)
    return [launcher]
  } catch {
    // Downloaded and started by `sh dat-…`, or on a disk from which nothing may be run.
    return ['/bin/sh', launcher]
  }
}

/** The environment for the same program in another folder: what it names relative to this one is made absolute. */
export function environmentFor(home: string | null, cwd: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const absolute: NodeJS.ProcessEnv = { ...env }
  if (home !== null && env.DAT_HOME) absolute.DAT_HOME = home
  if (env.NODE_EXTRA_CA_CERTS) absolute.NODE_EXTRA_CA_CERTS = resolve(cwd, env.NODE_EXTRA_CA_CERTS)
  return absolute
}
