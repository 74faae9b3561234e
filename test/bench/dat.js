import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launch } from './child.js'
import { compareTrees, diskUsage } from './trees.js'

/** dat itself, as its users run it: real processes, a cold index, the network bound to loopback. */

export const DAT = fileURLToPath(new URL('../../bin/dat.js', import.meta.url))

/**
 * The environment in which dat reaches 127.0.0.1 and nothing else.
 * @param {string} home a folder for dat's per-user data
 */
export function loopbackEnv(home) {
  const env = { ...process.env, DAT_HOME: home, DAT_LAN_INTERFACE: '127.0.0.1', DAT_BOOTSTRAP: 'none' }
  for (const name of [
    'DAT_RELAY',
    'HTTPS_PROXY',
    'HTTP_PROXY',
    'ALL_PROXY',
    'https_proxy',
    'http_proxy',
    'all_proxy'
  ]) {
    delete env[name]
  }
  return env
}

/**
 * Starts a dat command with `--json`.
 * @param {string[]} args
 * @param {string} room a fresh folder, in which the command runs
 */
export function dat(args, room) {
  return launch(process.execPath, [DAT, ...args, '--json'], { cwd: room, env: loopbackEnv(join(room, 'home')) })
}

/**
 * Share and clone: from the start of the one to the exit of the other.
 * @param {{ dir: string, bytes: number }} data without an index
 * @param {string} room a fresh folder
 */
export async function runDat(data, room) {
  const copy = join(room, 'copy')
  const share = dat(['share', data.dir], room)
  try {
    const { link } = await share.event('link')
    const clone = dat(['clone', link, copy], room)
    const summary = clone.event('done', 3600)
    summary.catch(() => {})
    await clone.success()
    const seconds = (clone.endedAt - share.startedAt) / 1000
    await summary
    const imported = await share.event('import.done')
    const openIndexBytes = await diskUsage(join(data.dir, '.dat'))
    await share.interrupt()
    const indexBytes = Math.max(openIndexBytes, await diskUsage(join(copy, '.dat')))
    await mustBeSame(data, copy)
    return {
      seconds,
      wall: seconds,
      parts: { import: (imported.at - share.startedAt) / 1000, clone: clone.seconds },
      rssSender: share.peakRss,
      rssReceiver: clone.peakRss,
      indexBytes
    }
  } finally {
    await share.kill()
  }
}

/** Rejects unless the copy is the original, byte for byte. */
export async function mustBeSame(data, copy) {
  const { differences, files } = await compareTrees(data.dir, copy)
  if (differences.length > 0) throw new Error(`dat: the copy differs: ${differences.slice(0, 3).join('; ')}`)
  if (files !== data.files) throw new Error(`dat: ${files} files instead of ${data.files}`)
}
