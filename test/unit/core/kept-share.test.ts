import { randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { KeptShare, type KeptState } from '../../../src/core/kept-share.js'
import { HashedBlock } from '../../../src/storage/hashed-block.js'

const MIB = 1024 * 1024
const state: KeptState = {
  secret: '00'.repeat(32),
  identity: { role: 'owner', key: '11'.repeat(32), file: null },
  root: '/data',
  store: '/data/.dat',
  inode: 7,
  machine: 'here',
  fork: 0,
  version: 1
}
let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'dat-kept-'))
})

afterEach(() => rm(home, { recursive: true, force: true }))

async function all(kept: KeptShare, start = 0) {
  const found = []
  for await (const { block, first } of kept.blocks(start)) found.push([block.byteLength, block.leafHash, first])
  return found
}

it('gives back the blocks that it was given, in their order', async () => {
  const kept = await KeptShare.create(home, 'one', state)
  const blocks = [MIB, 5, 1].map((bytes) => new HashedBlock(bytes, randomBytes(32)))
  await kept.add(blocks.slice(0, 2), (i) => i === 0)
  await kept.add(blocks.slice(2), () => true)
  const again = (await KeptShare.open(home, 'one')) as KeptShare
  expect(await all(again)).toEqual(blocks.map((block, i) => [block.byteLength, block.leafHash, i !== 1]))
  expect(await all(again, 2)).toHaveLength(1)
  await again.mark({ fork: 2, version: 9 })
  expect((await KeptShare.all(home)).map((one) => one.state)).toEqual([{ ...state, fork: 2, version: 9 }])
})

it('goes on after half of an entry was written', async () => {
  const kept = await KeptShare.create(home, 'one', state)
  const [one, two] = [new HashedBlock(9, randomBytes(32)), new HashedBlock(10, randomBytes(32))]
  await kept.add([one], () => true)
  await appendFile(join(home, 'shares/one/blocks'), randomBytes(17))
  await kept.cut(5)
  await kept.add([two], () => true)
  expect((await all(kept)).map(([bytes]) => bytes)).toEqual([9, 10])
})

it('says when nothing can be kept, and fails nothing', async () => {
  await writeFile(join(home, 'shares'), 'in the way')
  const kept = await KeptShare.create(home, 'one', state)
  await kept.add([new HashedBlock(9, randomBytes(32))], () => true)
  expect(kept.failed).toMatchObject({ code: expect.stringMatching(/EEXIST|ENOTDIR/) })
  expect(await KeptShare.all(home)).toEqual([])
})
