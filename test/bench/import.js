import { launch } from './child.js'
import { dat } from './dat.js'

/** What happens on the sharing side alone: the first index, and the second share of a folder that has not changed. */

/**
 * Indexes a folder that dat has not seen, without a peer.
 * @returns {Promise<{ whole: number, alone: number, rss: number }>} seconds from the start of the process, and from
 *   the link, to the end of the import
 */
export async function runImport(data, room) {
  const share = dat(['share', data.dir, '--no-watch'], room)
  try {
    const { at: linked } = await share.event('link')
    const { at: imported } = await share.event('import.done', 3600)
    await share.interrupt()
    return {
      whole: (imported - share.startedAt) / 1000,
      alone: (imported - linked) / 1000,
      rss: share.peakRss
    }
  } finally {
    await share.kill()
  }
}

/** Hashes every file with b2sum: what an import can't be much faster than. Seconds. */
export async function runB2sum(data, room) {
  const hash = launch('sh', ['-c', 'find "$0" -path "$0/.dat" -prune -o -type f -print0 | xargs -0 b2sum', data.dir], {
    cwd: room
  })
  await hash.success()
  return hash.seconds
}

/**
 * Shares a folder again that dat has indexed before.
 * @returns {Promise<{ seconds: number, readBytes: number, rss: number }>} time from the start of the process to
 *   `import.done`, and everything that the process has read by then: program files and index included
 */
export async function runSecondShare(data, room) {
  const share = dat(['share', data.dir], room)
  try {
    const { at, added, changed } = await share.event('import.done', 3600)
    const readBytes = share.bytesRead()
    await share.interrupt()
    if (added || changed) throw new Error(`second share: ${added} files added and ${changed} changed, but nothing did`)
    return { seconds: (at - share.startedAt) / 1000, readBytes, rss: share.peakRss }
  } finally {
    await share.kill()
  }
}
