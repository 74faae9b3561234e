import { lstat, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { pathOf } from '../../../src/storage/beneath.js'
import { BLOCK_SIZE, type BlockRange } from '../../../src/storage/layout.js'
import { PartialFiles } from '../../../src/storage/partial-files.js'
import { defer } from '../../helpers/cleanup.js'
import { temporaryFolder } from '../../helpers/core.js'
import { openWorkers, rangeOf } from '../../helpers/core-storage.js'

let dir: string
let partials: PartialFiles
beforeEach(async () => {
  dir = await temporaryFolder()
  partials = new PartialFiles({ root: dir, path: 'store/partial' }, await openWorkers())
  defer(() => partials.close())
})

/** Files of one block are written whole by a worker, longer ones block by block. */
const LONG = rangeOf(5, 3 * BLOCK_SIZE)
const SHAPES = [
  ['one block', rangeOf(5, 3)],
  ['more blocks', LONG]
] as const

const fileOf = (range: BlockRange) => pathOf(partials.file(range))
const folder = () => pathOf(partials.folder)
const exists = (file: string) =>
  lstat(file).then(
    () => true,
    () => false
  )

describe('partial files', () => {
  it('are named by first block and size: another shape is another file', () => {
    const names = [rangeOf(1, 10), rangeOf(1, 11), rangeOf(2, 10), rangeOf(11, 0)].map(fileOf)
    expect(new Set(names).size).toBe(4)
    expect(fileOf(rangeOf(1, 10))).toBe(fileOf({ ...rangeOf(1, 10), byteOffset: 999 }))
  })

  it('take blocks in any order, side by side', async () => {
    const range = LONG
    await Promise.all([
      partials.write(range, Buffer.from('ghi'), 6),
      partials.write(range, Buffer.from('abc'), 0),
      partials.write(range, Buffer.from('def'), 3)
    ])
    expect(await readFile(fileOf(range), 'utf8')).toBe('abcdefghi')
  })

  it.each(SHAPES)('of %s can be moved away once released, and begin anew then', async (_name, range) => {
    await partials.write(range, Buffer.from('old'), 0)
    await partials.release(range)
    await rename(fileOf(range), join(dir, 'placed'))
    await partials.write(range, Buffer.from('new'), 0)
    expect(await readFile(join(dir, 'placed'), 'utf8')).toBe('old')
    expect(await readFile(fileOf(range), 'utf8')).toBe('new')
    await partials.release(rangeOf(99, 1))
  })

  it.each(SHAPES)('of %s that are removed are gone, again and again', async (_name, range) => {
    await partials.write(range, Buffer.from('old'), 0)
    await partials.remove(range)
    expect(await exists(fileOf(range))).toBe(false)
    await partials.remove(range)
  })

  it('are many more than may be open at once', async () => {
    const ranges = Array.from({ length: 300 }, (_, i) => rangeOf(2 * i, BLOCK_SIZE + 1))
    await Promise.all(ranges.map((range) => partials.write(range, Buffer.from('b'), 1)))
    for (const range of ranges) await partials.write(range, Buffer.from('a'), 0)
    for (const range of ranges) expect(await readFile(fileOf(range), 'utf8')).toBe('ab')
  })

  it('are kept by close where something is left, and their folder is not where nothing is', async () => {
    const range = rangeOf(5, 3)
    await partials.write(range, Buffer.from('old'), 0)
    await partials.close()
    expect(await readdir(folder())).toHaveLength(1)
    const again = new PartialFiles(partials.folder, await openWorkers())
    await again.remove(range)
    await again.close()
    expect(await exists(folder())).toBe(false)
  })

  it.each(SHAPES)('of %s never follow a link', async (_name, range) => {
    await writeFile(join(dir, 'victim'), 'precious')
    await mkdir(folder(), { recursive: true })
    await symlink(join(dir, 'victim'), fileOf(range))
    await expect(partials.write(range, Buffer.from('pwn'), 0)).rejects.toMatchObject({ code: 'ELOOP' })
    expect(await readFile(join(dir, 'victim'), 'utf8')).toBe('precious')
  })

  it('say why they cannot be written', async () => {
    await writeFile(join(dir, 'store'), 'a file is where the folder should be')
    await expect(partials.write(rangeOf(1, 3), Buffer.from('abc'), 0)).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTDIR|EEXIST/)
    })
    await expect(partials.write(LONG, Buffer.from('abc'), 0)).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTDIR|EEXIST/)
    })
  })
})
