import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { parseLink } from '../../src/base/link.js'
import type * as verifies from '../../src/core/verify.js'
import { ALONE, built, shareAndClone, TestSession, temporaryFolder } from '../helpers/core.js'
import { rot } from '../helpers/damage.js'
import { canMount, smallDisk } from '../helpers/disks.js'

const MIB = 1024 * 1024
let source: string
let copy: string
beforeEach(async () => {
  source = join(await temporaryFolder(), 'source')
  copy = join(await temporaryFolder(), 'copy')
  await mkdir(source)
})

/** A file of holes with data at some places, in MiB. */
async function makeSparse(name: string, mebibytes: number, islands: readonly number[]): Promise<void> {
  const file = await open(join(source, name), 'w')
  try {
    await file.truncate(mebibytes * MIB + 4321)
    for (const at of islands) await file.write(randomBytes(10_000), 0, 10_000, Math.floor(at * MIB))
  } finally {
    await file.close()
  }
}

const taken = async (dir: string, name: string) => (await stat(join(dir, name))).blocks * 512
/** `cmp` of the system: it does not keep both files in memory. */
const same = (name: string) => execFileSync('cmp', [join(source, name), join(copy, name)])

/** @param link repairs from there */
async function verify(link?: string) {
  const core = await built<typeof verifies>('core/verify')
  const network = link ? { ...ALONE, peers: parseLink(link).addresses } : ALONE
  const signal = new AbortController().signal
  const given = { dir: copy, repair: link !== undefined, timeout: 20, store: null, network, report: () => {}, signal }
  return core.verify(given)
}

describe('a sparse file', () => {
  test('stays one, and of long runs of zeros few blocks come over the network', async () => {
    await makeSparse('a', 64, [0, 0.9, 45.5, 63])
    await copyFile(join(source, 'a'), join(source, 'twin'))
    await makeSparse('holes', 96, [])
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const clone = await TestSession.clone(owner.link, copy)
    const summary = await clone.done()
    expect(summary).toMatchObject({ files: 3, bytes: 224 * MIB + 3 * 4321, failures: [] })
    expect(summary.downloadedBytes).toBeLessThan(75 * MIB)
    for (const name of ['a', 'twin', 'holes']) {
      same(name)
      expect(await taken(copy, name)).toBeLessThan(MIB)
      const [ours, theirs] = await Promise.all([stat(join(source, name)), stat(join(copy, name))])
      expect(Math.abs(ours.mtimeMs - theirs.mtimeMs)).toBeLessThan(1)
    }
  })

  test('that was interrupted goes on, and stays sparse', async () => {
    await makeSparse('a', 60, [1, 15, 30, 45])
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const first = await TestSession.clone(owner.link, copy)
    await first.event('download.progress', ({ bytesDone }) => bytesDone > 10 * MIB)
    await first.close()
    const second = await TestSession.clone(owner.link, copy)
    expect(await second.done()).toMatchObject({ failures: [] })
    same('a')
    expect(await taken(copy, 'a')).toBeLessThan(2 * MIB)
    await second.close()
    expect(await verify()).toMatchObject({ files: 1, problems: [] })
  })

  test('is mended by `verify --repair`, and is sparse again', async () => {
    await makeSparse('a', 20, [3, 15])
    await copyFile(join(source, 'a'), join(source, 'twin'))
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    // In a hole, in data, and in the hole that a twin keeps.
    await rot(copy, 'a', 9 * MIB)
    await rot(copy, 'a', 15 * MIB + 5000)
    await rot(copy, 'twin', 10 * MIB)
    const problems = ['a', 'twin'].map((path) => ({ path, problem: 'damaged' }))
    expect((await verify()).problems).toEqual(problems)
    expect(await verify(owner.link)).toMatchObject({ problems, repaired: ['a', 'twin'] })
    expect((await verify()).problems).toEqual([])
    for (const name of ['a', 'twin']) {
      same(name)
      expect(await taken(copy, name)).toBeLessThan(MIB)
    }
  })

  test('whose holes get data, or whose data becomes a hole, is pulled as it is then', async () => {
    await makeSparse('a', 20, [3, 15])
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await owner.close()
    await makeSparse('a', 20, [3, 10])
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    expect(await pull.done()).toMatchObject({ failures: [] })
    same('a')
    expect(await taken(copy, 'a')).toBeLessThan(MIB)
  })

  test.skipIf(!canMount)('needs no more space than it takes', async () => {
    await makeSparse('a', 100, [5, 70])
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    copy = join(await smallDisk(48), 'copy')
    const clone = await TestSession.clone(owner.link, copy)
    expect(await clone.done()).toMatchObject({ failures: [] })
    same('a')
  })
})
