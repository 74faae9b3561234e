import fs from 'node:fs'
import { readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Beneath, CAN_HOLD, Folders, holdRoot, openBeneath } from '../../../src/storage/beneath.js'
import { temporaryFolder } from '../../helpers/core.js'
import { writeTree } from '../../helpers/trees.js'

let root: string
let outside: string
let folders: Folders
beforeEach(async () => {
  root = await temporaryFolder()
  outside = await temporaryFolder()
  await writeTree(outside, { secret: 'secret', 'sub/secret': 'secret' })
  await writeTree(root, {
    a: 'a',
    'b/c/d': 'd',
    out: { link: outside },
    'b/out': { link: outside },
    leaf: { link: 'a' }
  })
})
afterEach(() => folders.close())

const at = (path: string): Beneath => ({ root, path })
const { O_RDONLY, O_WRONLY, O_CREAT } = fs.constants
const descriptors = () =>
  readdir('/proc/self/fd').then(
    (names) => names.length,
    () => 0
  )

describe.each([
  ['held open', true],
  ['looked at before and after, as where nothing can be held', false]
])('folders that are %s', (_name, hold) => {
  beforeEach(() => {
    folders = new Folders(hold && CAN_HOLD)
  })
  const read = (path: string) => {
    const fd = folders.open(at(path), O_RDONLY)
    try {
      return fs.readFileSync(fd, 'utf8')
    } finally {
      fs.closeSync(fd)
    }
  }

  it('lead to files at the top and below', () => {
    expect([read('a'), read('b/c/d')]).toEqual(['a', 'd'])
    expect(fs.readdirSync(folders.folder(at('b/c')))).toEqual(['d'])
    expect(fs.readdirSync(folders.folder(at('')))).toContain('a')
  })

  it('stay open while a way of a hundred folders is gone along, which are not all kept', async () => {
    const before = await descriptors()
    const file = folders.reach(at('b/c/d'))
    fs.writeFileSync(folders.reach(at(`${'deep/'.repeat(100)}leaf`), 0o777), 'down there')
    expect(fs.readFileSync(file, 'utf8')).toBe('d')
    expect(read(`${'deep/'.repeat(100)}leaf`)).toBe('down there')
    expect((await descriptors()) - before).toBeLessThan(40)
    expect(() => folders.reach(at(`${'deep/'.repeat(90)}other/leaf`))).toThrow(
      expect.objectContaining({ code: 'ENOENT' })
    )
    folders.close()
    expect(await descriptors()).toBe(before)
  })

  it.each(['out/secret', 'out/sub/secret', 'b/out/secret'])('never lead through a link: %s', async (path) => {
    expect(() => read(path)).toThrow(expect.objectContaining({ code: 'ELINK' }))
    expect(() => folders.reach(at(path), 0o777)).toThrow(expect.objectContaining({ code: 'ELINK' }))
    await expect(openBeneath(at(path), O_RDONLY)).rejects.toMatchObject({ code: 'ELINK' })
    expect(() => read('leaf')).toThrow(expect.objectContaining({ code: 'ELOOP' }))
    await expect(openBeneath(at('leaf'), O_RDONLY)).rejects.toMatchObject({ code: 'ELOOP' })
  })

  it('say that a file is no folder, and that something is missing', async () => {
    expect(() => read('a/b')).toThrow(expect.objectContaining({ code: 'ENOTDIR' }))
    expect(() => read('x/y')).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    await expect(openBeneath(at('a/b'), O_RDONLY)).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(openBeneath(at('x/y'), O_RDONLY)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('are made where they are missing', async () => {
    await writeFile(folders.reach(at('n/e/w'), 0o700), 'new')
    expect(await readFile(join(root, 'n/e/w'), 'utf8')).toBe('new')
    expect(fs.statSync(join(root, 'n')).mode & 0o077).toBe(0)
  })

  it('are closed again, however deep the way is', async () => {
    const deep = Array.from({ length: 400 }, () => 'x').join('/')
    const before = await descriptors()
    folders.folder(at(deep), 0o777)
    expect(await descriptors()).toBeLessThan(before + 50)
    for (let i = 0; i < 100; i++) {
      folders.reach(at(`many/${i}/x`), 0o777)
      folders.tidy()
    }
    expect(await descriptors()).toBeLessThan(before + 50)
    folders.close()
    for (const path of ['b/out/x', 'a/b/c', 'x/none/y']) await openBeneath(at(path), O_RDONLY).catch(() => {})
    expect(await descriptors()).toBe(before)
  })
})

describe.runIf(CAN_HOLD)('a folder that is held', () => {
  beforeEach(() => {
    folders = new Folders()
  })

  it('stays the one that was opened, when a link takes its name', async () => {
    const file = folders.reach(at('b/new'))
    await rename(join(root, 'b'), join(root, 'away'))
    await symlink(outside, join(root, 'b'))
    await writeFile(file, 'new')
    expect(await readFile(join(root, 'away/new'), 'utf8')).toBe('new')
    expect((await readdir(outside)).sort()).toEqual(['secret', 'sub'])
  })

  it('can be the root itself', async () => {
    const held = holdRoot(root)
    await rename(root, `${root}.away`)
    await symlink(outside, root)
    const fd = await openBeneath({ root: held.path, path: 'new' }, O_WRONLY | O_CREAT, 0o666)
    fs.closeSync(fd)
    held.close()
    expect((await readdir(outside)).sort()).toEqual(['secret', 'sub'])
    await fs.promises.unlink(root)
    await rename(`${root}.away`, root)
    expect(await readdir(root)).toContain('new')
  })
})
