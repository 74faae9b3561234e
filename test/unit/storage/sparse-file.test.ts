import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { pathOf } from '../../../src/storage/beneath.js'
import { BLOCK_SIZE } from '../../../src/storage/layout.js'
import { leafHash, sodiumLeafHash } from '../../../src/storage/leaf-hash.js'
import { PartialFiles } from '../../../src/storage/partial-files.js'
import { SparseFile } from '../../../src/storage/sparse-file.js'
import { isZeros, runsOf, zeroBlock } from '../../../src/storage/zeros.js'
import { defer } from '../../helpers/cleanup.js'
import { temporaryFolder } from '../../helpers/core.js'
import { openWorkers, rangeOf } from '../../helpers/core-storage.js'

const KIB = 1024
let dir: string
beforeEach(async () => {
  dir = await temporaryFolder()
})

/** Data with zeros where the parts say so, each of so many KiB. */
const data = (...parts: [number, 'zeros' | 'data'][]): Buffer =>
  Buffer.concat(parts.map(([kib, what]) => (what === 'zeros' ? Buffer.alloc(kib * KIB) : randomBytes(kib * KIB))))
const taken = async (file: string): Promise<number> => (await stat(file)).blocks * 512

describe('runs', () => {
  it.each([
    ['nothing', data(), []],
    ['data alone', data([100, 'data']), [[0, 100, false]]],
    ['zeros alone', data([64, 'zeros']), [[0, 64, true]]],
    ['a block that is known to be zeros', zeroBlock(BLOCK_SIZE), [[0, 1024, true]]],
    ['few zeros', data([16, 'zeros'], [4, 'data'], [16, 'zeros']), [[0, 36, false]]],
    [
      'zeros between data',
      data([4, 'data'], [40, 'zeros'], [8, 'data'], [32, 'zeros']),
      [
        [0, 4, false],
        [4, 44, true],
        [44, 52, false],
        [52, 84, true]
      ]
    ]
  ])('of %s', (_what, bytes, expected) => {
    expect(runsOf(bytes).map(({ start, end, hole }) => [start / KIB, end / KIB, hole])).toEqual(expected)
  })

  it('cover everything, also where the last page is a part of one', () => {
    const bytes = Buffer.concat([data([40, 'zeros'], [1, 'data']), Buffer.alloc(50_001)])
    const runs = runsOf(bytes)
    expect(runs.map(({ start }) => start)).toEqual([0, ...runs.slice(0, -1).map(({ end }) => end)])
    expect(runs.at(-1)?.end).toBe(bytes.length)
    expect(runs.filter(({ hole }) => hole).every(({ start, end }) => isZeros(bytes.subarray(start, end)))).toBe(true)
  })
})

describe('zeros', () => {
  it.each([1, 4096, BLOCK_SIZE, BLOCK_SIZE + 1, 3 * BLOCK_SIZE])(
    'of %i bytes are told from what has one bit',
    (length) => {
      const bytes = Buffer.alloc(length)
      expect(isZeros(bytes)).toBe(true)
      for (const at of [0, length >> 1, length - 1]) {
        bytes[at] = 1
        expect(isZeros(bytes)).toBe(false)
        bytes[at] = 0
      }
    }
  )

  it('have the hash that they always had, whatever the length', () => {
    for (const length of [9000, 64 * KIB, 64 * KIB + 1, 100_000, 9001, BLOCK_SIZE, 9000]) {
      expect(leafHash(Buffer.alloc(length)).equals(sodiumLeafHash(Buffer.alloc(length)))).toBe(true)
    }
  })
})

describe('a sparse file', () => {
  const { O_RDWR, O_CREAT } = fs.constants
  const openSparse = async (file: string) => SparseFile.of(fs.openSync(file, O_RDWR | O_CREAT))

  it('has holes for zeros, in any order, and its whole length', async () => {
    const file = join(dir, 'a')
    const bytes = data([64, 'zeros'], [64, 'data'], [1024, 'zeros'], [64, 'data'], [832, 'zeros'])
    const sparse = await openSparse(file)
    for (const part of [1, 0])
      await sparse.write(bytes.subarray(part * BLOCK_SIZE, (part + 1) * BLOCK_SIZE), part * BLOCK_SIZE)
    await sparse.close()
    expect((await readFile(file)).equals(bytes)).toBe(true)
    expect(await taken(file)).toBeLessThan(256 * KIB)
  })

  it('gets zeros where other bytes were before', async () => {
    const file = join(dir, 'a')
    await writeFile(file, randomBytes(100_000))
    const sparse = await openSparse(file)
    await sparse.write(zeroBlock(BLOCK_SIZE), 0)
    await sparse.close()
    expect((await readFile(file)).equals(Buffer.alloc(BLOCK_SIZE))).toBe(true)
  })
})

describe('a copy', () => {
  it('has the holes of its original', async () => {
    const workers = await openWorkers()
    const [from, to] = [join(dir, 'from'), join(dir, 'to')]
    await writeFile(from, randomBytes(5000))
    await truncate(from, 5 * BLOCK_SIZE + 7)
    // What was left behind under its name goes.
    await writeFile(to, randomBytes(100_000))
    await workers.edit({ edit: 'copy', at: { root: dir, path: 'to' }, from: { root: dir, path: 'from' } })
    expect((await readFile(to)).equals(await readFile(from))).toBe(true)
    expect(await taken(to)).toBeLessThan(64 * KIB)
  })
})

describe('partial files', () => {
  it.each([
    ['one block', 300 * KIB],
    ['several blocks', 2 * BLOCK_SIZE + 1]
  ])('of %s are sparse', async (_what, length) => {
    const partials = new PartialFiles({ root: dir, path: 'partial' }, await openWorkers())
    defer(() => partials.close())
    const range = rangeOf(0, length)
    for (let start = 0; start < length; start += BLOCK_SIZE) {
      await partials.write(range, Buffer.alloc(Math.min(BLOCK_SIZE, length - start)), start)
    }
    const file = pathOf(partials.file(range))
    expect((await readFile(file)).equals(Buffer.alloc(length))).toBe(true)
    expect(await taken(file)).toBeLessThanOrEqual(4 * KIB)
  })
})
