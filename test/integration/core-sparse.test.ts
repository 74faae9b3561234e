import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type * as verify from '../../src/core/verify.js'
import { ALONE, built, TestSession, temporaryFolder } from '../helpers/core.js'
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

describe('a sparse file', () => {
  test('stays one, and of long runs of zeros few blocks come over the network', async () => {
    await makeSparse('a', 160, [0, 0.9, 130.5, 159])
    await copyFile(join(source, 'a'), join(source, 'twin'))
    await makeSparse('holes', 250, [])
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const clone = await TestSession.clone(owner.link, copy)
    const summary = await clone.done()
    expect(summary).toMatchObject({ files: 3, bytes: 570 * MIB + 3 * 4321, failures: [] })
    expect(summary.downloadedBytes).toBeLessThan(190 * MIB)
    for (const name of ['a', 'twin', 'holes']) {
      same(name)
      expect(await taken(copy, name)).toBeLessThan(MIB)
      const [ours, theirs] = await Promise.all([stat(join(source, name)), stat(join(copy, name))])
      expect(Math.abs(ours.mtimeMs - theirs.mtimeMs)).toBeLessThan(1)
    }
  })

  test('that was interrupted goes on, and stays sparse', async () => {
    await makeSparse('a', 150, [1, 20, 40, 60, 80, 100, 140])
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
    const { verify: check } = await built<typeof verify>('core/verify')
    const signal = new AbortController().signal
    const options = { dir: copy, store: null, network: ALONE, report: () => {}, signal, repair: false, timeout: 1 }
    expect(await check(options)).toMatchObject({ files: 1, problems: [] })
  })

  test.skipIf(!canMount)('needs no more space than it takes', async () => {
    await makeSparse('a', 200, [5, 120])
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    copy = join(await smallDisk(48), 'copy')
    const clone = await TestSession.clone(owner.link, copy)
    expect(await clone.done()).toMatchObject({ failures: [] })
    same('a')
  })
})
