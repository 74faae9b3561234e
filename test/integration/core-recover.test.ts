import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type * as drive from '../../src/core/drive.js'
import { built, TestSession, temporaryFolder } from '../helpers/core.js'
import { rot } from '../helpers/damage.js'
import { describeTree, writeTree } from '../helpers/trees.js'

const MIB = 1024 * 1024

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
  await rot(copy, 'large.bin', 2 * MIB + 17)
  await rot(copy, 'small.bin')

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

test('a value in the history that is none does not end the check', async () => {
  const source = join(await temporaryFolder(), 'source')
  const copy = join(await temporaryFolder(), 'copy')
  await writeTree(source, { 'a.txt': 'first', 'b.txt': 'b' })
  const first = await TestSession.share(source)
  await first.event('import.done')
  const clone = await TestSession.clone(first.link, copy)
  await clone.done()
  await clone.close()
  await first.close()
  const { openDrive, placeOf } = await built<typeof drive>('core/drive')
  const open = await openDrive({ place: placeOf(source, null), create: null })
  const batch = open.drive.db.batch()
  await batch.put('files\0/c.txt', 'no JSON', { keyEncoding: 'utf-8', valueEncoding: 'utf-8' })
  await batch.del('files\0/c.txt', { keyEncoding: 'utf-8' })
  await batch.flush()
  await open.close()
  await writeTree(source, { 'a.txt': 'second' })
  const owner = await TestSession.share(source)
  await owner.event('import.done')
  const pull = await TestSession.pull(copy, owner.link)
  await pull.done()
  await pull.close()

  // The rename of the newer file never reached the disk: the older one is there, and gives way.
  await writeTree(copy, { 'a.txt': 'first' })
  await pretendBoot(copy, 1)
  const again = await TestSession.pull(copy, owner.link)
  expect(await again.done()).toMatchObject({ failures: [] })
  await again.close()
  expect(await describeTree(copy)).toEqual(await describeTree(source))
})
