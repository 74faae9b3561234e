import { randomBytes } from 'node:crypto'
import { open, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type * as drive from '../../src/core/drive.js'
import { fileTime } from '../../src/storage/file-tasks.js'
import { built, TestSession, temporaryFolder } from '../helpers/core.js'
import { describeTree, writeTree } from '../helpers/trees.js'

const MIB = 1024 * 1024

/** Overwrites a few bytes, as a disk does that lost a page; neither size nor time tell. */
async function lose(file: string, position: number): Promise<void> {
  const { mtimeMs } = await stat(file)
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(4096), 0, 4096, position)
  await handle.close()
  await utimes(file, fileTime(mtimeMs), fileTime(mtimeMs))
}

async function pretendBoot(dir: string, boot: number): Promise<void> {
  const { openDrive, placeOf } = await built<typeof drive>('core/drive')
  const clone = await openDrive({ place: placeOf(dir, null), create: null })
  const batch = clone.index.batch()
  batch.putMeta('session', { boot, started: Date.now() - 3_600_000 })
  await batch.flush()
  await clone.close()
}

test('after the machine went down, blocks that never reached the disk are fetched again, and only these', async () => {
  const source = join(await temporaryFolder(), 'source')
  const copy = join(await temporaryFolder(), 'copy')
  await writeTree(source, { 'large.bin': randomBytes(4 * MIB + 5), 'small.bin': randomBytes(9000), 'whole.bin': 'x' })
  const owner = await TestSession.share(source)
  const clone = await TestSession.clone(owner.link, copy)
  await clone.done()
  await clone.close()
  await lose(join(copy, 'large.bin'), 2 * MIB + 17)
  await lose(join(copy, 'small.bin'), 0)

  // The program alone was killed: the page cache is still there, nothing is read again.
  const again = await TestSession.pull(copy, owner.link)
  expect(await again.done()).toMatchObject({ downloadedBytes: 0 })
  await again.close()

  await pretendBoot(copy, 1)
  const pull = await TestSession.pull(copy, owner.link)
  expect(await pull.done()).toMatchObject({ downloadedBytes: MIB + 9000, failures: [] })
  await pull.close()
  expect(pull.all('note').map(({ message }) => message)).toContainEqual(expect.stringMatching(/^2 blocks/))
  expect(await describeTree(copy)).toEqual(await describeTree(source))
})
