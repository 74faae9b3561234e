import { createCipheriv } from 'node:crypto'
import { chmod, mkdir, open, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A folder as researchers have them: many tables, one large recording, and the odd things that get lost on the way. */

const MiB = 1024 * 1024
const RECORDING_MiB = 200
const STATIONS = ['Århus', 'Genève', 'København', 'Zürich', '東京', 'Αθήνα']
const MONTHS = 12
const TABLES_PER_MONTH = 5

/**
 * @param {string} dir a folder that does not exist
 */
export async function makeSample(dir) {
  const random = createCipheriv('aes-256-ctr', Buffer.alloc(32, 'dat'), Buffer.alloc(16))
  await mkdir(join(dir, 'raw', 'empty folder'), { recursive: true })
  await makeTables(join(dir, 'stations'), random)
  await makeRecording(join(dir, 'raw', 'recording.bin'), random)

  await writeFile(join(dir, 'README.md'), '# Air quality at six stations\n\nOne table a station, month and week.\n')
  await writeFile(join(dir, 'raw', 'nothing-measured.csv'), '')
  await writeFile(join(dir, 'analyse.sh'), '#!/bin/sh\nwc -l stations/*/*/*.csv\n')
  await chmod(join(dir, 'analyse.sh'), 0o755)
  await writeFile(join(dir, "it's a name; with $odd characters — ü, 数据.txt"), 'names are data, too\n')
  await symlink(join('raw', 'recording.bin'), join(dir, 'latest.bin'))
  const longAgo = new Date('2019-05-04T03:02:01Z')
  await utimes(join(dir, 'README.md'), longAgo, longAgo)
}

async function makeTables(dir, random) {
  for (const station of STATIONS) {
    for (let month = 1; month <= MONTHS; month++) {
      const folder = join(dir, station, String(month).padStart(2, '0'))
      await mkdir(folder, { recursive: true })
      for (let table = 1; table <= TABLES_PER_MONTH; table++) {
        const rows = random
          .update(Buffer.alloc(20 + 400 * table))
          .toString('hex')
          .replace(/(.{12})/g, '$1,17.3\n')
        await writeFile(join(folder, `week-${table}.csv`), `sample,value\n${rows}\n`)
      }
    }
  }
}

async function makeRecording(path, random) {
  const file = await open(path, 'wx')
  const zeros = Buffer.alloc(MiB)
  try {
    for (let i = 0; i < RECORDING_MiB; i++) await file.write(random.update(zeros))
  } finally {
    await file.close()
  }
}
