import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../../../src/core/temporary-folder.js'

let parent: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'dat-core-'))
})
afterEach(() => rm(parent, { recursive: true, force: true }))

/** What a process that was killed leaves: all that a living one has, but the lock. */
async function leftBehind(name: string, folder = parent): Promise<string> {
  const one = await makeTemporaryFolder('read', folder)
  const left = join(folder, name)
  await mkdir(left, { mode: 0o700 })
  await cp(one.path, left, { recursive: true })
  await mkdir(join(left, 'index', 'db'), { recursive: true })
  await writeFile(join(left, 'index', 'db', 'blocks'), 'much')
  await one.remove()
  return left
}

/** Makes a folder, which looks for others. @returns what is there afterwards */
async function tidy(): Promise<string[]> {
  const one = await makeTemporaryFolder('name', parent)
  await one.remove()
  return (await readdir(parent)).sort()
}

describe('a temporary folder', () => {
  it('is for its user alone, and goes with all that is in it', async () => {
    const one = await makeTemporaryFolder('serve', parent)
    await mkdir(join(one.path, 'index'))
    await writeFile(join(one.path, 'index', 'file'), '')
    await one.remove()
    expect(await readdir(parent)).toEqual([])
  })

  it('of a process that is gone is removed by the next', async () => {
    await leftBehind('dat-trial-abcDE1')
    await leftBehind('dat-serve-abcDE1')
    expect(await tidy()).toEqual([])
  })

  it('of a process that lives stays', async () => {
    const one = await makeTemporaryFolder('serve', parent)
    expect(await tidy()).toHaveLength(1)
    await one.remove()
    expect(await readdir(parent)).toEqual([])
  })

  it('of another computer stays, whether or not somebody there has it locked', async () => {
    const left = await leftBehind('dat-read-abcdef')
    const marker = join(left, 'temporary.json')
    const text = JSON.parse(await readFile(marker, 'utf8'))
    for (const other of [{ host: 'node17' }, { machine: 'another' }]) {
      await writeFile(marker, `${JSON.stringify({ ...text, ...other })}\n`)
      expect(await tidy()).toEqual(['dat-read-abcdef'])
    }
  })

  it.each([
    ['has no marker', (left: string) => rm(join(left, 'temporary.json'))],
    ['has an empty marker', (left: string) => writeFile(join(left, 'temporary.json'), '')],
    ['has another name', (left: string) => rename(left, join(parent, 'dat-read-abcdef.old'))],
    ['is of another program', (left: string) => rename(left, join(parent, 'cat-read-abcdef'))],
    ['others may write to', (left: string) => chmod(left, 0o770)],
    [
      'has a marker that is a link',
      async (left: string) => {
        await rename(join(left, 'temporary.json'), join(parent, 'elsewhere'))
        await symlink(join(parent, 'elsewhere'), join(left, 'temporary.json'))
      }
    ]
  ])('that %s is not ours to remove', async (_what, change) => {
    await change(await leftBehind('dat-read-abcdef'))
    const before = (await readdir(parent)).sort()
    expect(await tidy()).toEqual(before)
  })

  it('that is a link is left alone, and so is what it leads to', async () => {
    const home = join(parent, 'home')
    await mkdir(home)
    const left = await leftBehind('dat-read-abcdef', home)
    await symlink(left, join(parent, 'dat-read-abcdef'))
    expect(await tidy()).toEqual(['dat-read-abcdef', 'home'])
    expect(await readdir(left)).toContain('index')
  })

  it('is removed by nobody where anybody could put another in its place', async () => {
    await leftBehind('dat-read-abcdef')
    await chmod(parent, 0o777)
    expect(await tidy()).toEqual(['dat-read-abcdef'])
    await chmod(parent, 0o1777)
    expect(await tidy()).toEqual([])
  })

  it('does not wait for all that ever were: sixteen go each time', async () => {
    const first = await leftBehind('dat-read-aaaaa0')
    for (let i = 10; i < 30; i++) {
      await mkdir(join(parent, `dat-read-aaaa${i}`), { mode: 0o700 })
      await cp(first, join(parent, `dat-read-aaaa${i}`), { recursive: true })
    }
    expect(await tidy()).toHaveLength(5)
    expect(await tidy()).toEqual([])
  })
})
