import { spawnSync } from 'node:child_process'

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
  if (error?.code === 'ENOENT') throw new Error(`${program} is needed, and is not installed`)
  if (error) throw error
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${stderr.trim()}`)
  return stdout
}
