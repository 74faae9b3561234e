import { join } from 'node:path'
import { dat, mustBeSame } from './dat.js'

/**
 * kill -9 of a clone in the middle, and the same command again.
 * @param {{ dir: string, bytes: number }} data
 * @param {string} room a fresh folder
 * @returns {Promise<{ before: number, resumed: number, fetched: number, share: number }>} bytes that the first run had
 *   reported as done; bytes that the second run found; bytes that the second run downloaded; and the part of the
 *   first run's work that was kept, counted from what had to be downloaded again
 */
export async function runResume(data, room) {
  const copy = join(room, 'copy')
  const share = dat(['share', data.dir, '--no-watch'], room)
  try {
    const { link } = await share.event('link')
    await share.event('import.done', 3600)

    const first = dat(['clone', link, copy], room)
    await first.event(({ type, bytesDone }) => type === 'download.progress' && bytesDone >= 0.4 * data.bytes, 3600)
    await first.kill()
    const before = first.events.findLast(({ type }) => type === 'download.progress').bytesDone
    if (before >= data.bytes) throw new Error('resume: the clone was complete before it could be killed')

    const second = dat(['clone', link, copy], room)
    await second.success()
    const { downloadedBytes: fetched } = await second.event('done')
    const resumed = second.events.findLast(({ type }) => type === 'download.progress')?.resumedBytes ?? 0
    await share.interrupt()
    await mustBeSame(data, copy)
    return { before, resumed, fetched, share: Math.min(1, (data.bytes - fetched) / before) }
  } finally {
    await share.kill()
  }
}
