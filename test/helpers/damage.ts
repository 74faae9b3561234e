import { open, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type * as drives from '../../src/core/drive.js'
import { fingerprintOf } from '../../src/storage/file-record.js'
import { fileTime } from '../../src/storage/file-tasks.js'
import { built } from './core.js'

/** Overwrites a few bytes of a file and sets its time back: only the ctime tells. */
export async function tamper(file: string, position = 0): Promise<void> {
  const { mtimeMs } = await stat(file)
  const handle = await open(file, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, position)
  await handle.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, position)
  await handle.close()
  await utimes(file, fileTime(mtimeMs), fileTime(mtimeMs))
}

/** Does something with the index of a share or clone that is not running. */
export async function withIndex<T>(dir: string, work: (open: drives.OpenDrive) => Promise<T>): Promise<T> {
  const { openDrive, placeOf } = await built<typeof drives>('core/drive')
  const open = await openDrive({ place: placeOf(dir, null), create: null })
  try {
    return await work(open)
  } finally {
    await open.close()
  }
}

/** Damages a file as a failing disk does: nothing that the index knows of it tells. */
export async function rot(dir: string, path: string, position = 0): Promise<void> {
  await tamper(join(dir, path), position)
  const print = fingerprintOf(await stat(join(dir, path)))
  await withIndex(dir, async ({ index }) => {
    const record = await index.get(path)
    if (!record) throw new Error(`the index does not know ${path}`)
    const batch = index.batch()
    batch.put({ ...record, ...print, racy: false }, record)
    await batch.flush()
  })
}
