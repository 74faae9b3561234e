import { spawnSync } from 'node:child_process'

/** What is needed cannot be had here: a program, a package, a mirror. The build itself is not at fault. */
export class Unavailable extends Error {}

/**
 * Runs a program to its end.
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 * @returns {string} what it printed
 * @throws with what it said, when it cannot be had or fails
 */
export function command(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options
  })
  if (error?.code === 'ENOENT') throw new Unavailable(`${program} is needed, and is not installed`)
  if (error) throw error
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${stderr.trim()}`)
  return stdout
}

/** The same for a program that downloads: when it fails, what it was to fetch cannot be had. @throws Unavailable */
export function download(program, args, options) {
  try {
    return command(program, args, options)
  } catch (error) {
    throw new Unavailable(error.message)
  }
}
