import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launch } from './child.js'
import { compareTrees, diskUsage } from './trees.js'

const PEER = fileURLToPath(new URL('stock-peer.js', import.meta.url))

/**
 * The job with the stock packages. The time is import + transfer + export as the two processes measure them: the
 * start of the processes is left out, in favour of this contender.
 * @param {{ dir: string }} data
 * @param {string} room a fresh folder
 * @param {{ batch?: boolean }} [options] whether the import commits its entries in one batch (not mirror-drive's default)
 */
export async function runStock(data, room, { batch = false } = {}) {
  const seedStore = join(room, 'seed-store')
  const fetchStore = join(room, 'fetch-store')
  const copy = join(room, 'copy')
  const seeder = launch(process.execPath, [PEER, 'seed', data.dir, seedStore, batch ? 'batch' : ''])
  try {
    const { key, port, seconds } = await seeder.event('seeding')
    const fetcher = launch(process.execPath, [PEER, 'fetch', key, String(port), fetchStore, copy])
    await fetcher.success()
    const wall = (fetcher.endedAt - seeder.startedAt) / 1000
    const done = await fetcher.event('done')
    const indexBytes = Math.max(await diskUsage(seedStore), await diskUsage(fetchStore))
    await seeder.interrupt()
    const { differences } = await compareTrees(data.dir, copy, { emptyFolders: false })
    if (differences.length > 0) throw new Error(`stock: the copy differs: ${differences.slice(0, 3).join('; ')}`)
    return {
      seconds: seconds + done.transfer + done.export,
      wall,
      parts: { import: seconds, transfer: done.transfer, export: done.export },
      rssSender: seeder.peakRss,
      rssReceiver: fetcher.peakRss,
      indexBytes
    }
  } finally {
    await seeder.kill()
  }
}
