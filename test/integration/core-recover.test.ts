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
