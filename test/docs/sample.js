import { createCipheriv } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder of data of which the documents speak: the same bytes each time, so that the sizes in them stay true. */

const YEARS = ['2024', '2025', '2026']
const PLOTS = 20
const KB = 1000

/**
 * @param {string} dir a folder that does not exist
 * @param {number} scanBytes size of each of two large files
 */
export async function makeSoil(dir, scanBytes) {
  const random = createCipheriv('aes-256-ctr', Buffer.alloc(32, 'soil'), Buffer.alloc(16))
  const bytes = (count) => random.update(Buffer.alloc(count))
  for (const year of YEARS) {
    const folder = join(dir, 'plots', year)
    await mkdir(folder, { recursive: true })
    for (let plot = 1; plot <= PLOTS; plot++)
      await writeFile(join(folder, `plot-${String(plot).padStart(2, '0')}.csv`), bytes(5 * KB).toString('hex'))
  }
  await mkdir(join(dir, 'raw'))
  for (const name of ['scan-1.tif', 'scan-2.tif']) await writeFile(join(dir, 'raw', name), bytes(scanBytes))
  await writeFile(join(dir, 'README.txt'), 'Soil samples, three years, twenty plots.\n')
}
