import { randomBytes } from 'node:crypto'
import { appendFile, lstat, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type * as drives from '../../src/core/drive.js'
import type * as walks from '../../src/core/walk.js'
import type * as workers from '../../src/storage/file-workers.js'
import { defer } from '../helpers/cleanup.js'
import { built, shareAndClone, TestSession, temporaryFolder } from '../helpers/core.js'
import { describeTree, writeTree } from '../helpers/trees.js'

const MIB = 1024 * 1024
let source: string
let copy: string
beforeEach(async () => {
  source = join(await temporaryFolder(), 'source')
  copy = join(await temporaryFolder(), 'copy')
})

const same = async () => expect(await describeTree(copy)).toEqual(await describeTree(source))

/** How many blocks the share has ever had; only while it is not running. */
/** How many blocks a share has, and how many of them it still has a file for. */
async function blocksOf(dir: string): Promise<{ length: number; served: number }> {
  const { openDrive, placeOf } = await built<typeof drives>('core/drive')
  const open = await openDrive({ place: placeOf(dir, null), create: null, readOnly: true })
  try {
    const { length, core } = await open.content()
    return { length, served: core.bitfield.count(0, length, true) }
  } finally {
    await open.close()
  }
}

async function sharedOnce(options: Parameters<typeof TestSession.share>[1] = {}) {
  const owner = await TestSession.share(source, options)
  const done = await owner.event('import.done')
  await owner.close()
  return { owner, done, ...(await blocksOf(source)) }
}

describe('a share that is opened again', () => {
  test('reads nothing of what did not change, and says the same', async () => {
    await writeTree(source, { a: randomBytes(3 * MIB), b: 'b', 'c/d': '', l: { link: 'a' }, e: { folder: true } })
    const old = new Date('2020-01-01T00:00:00Z')
    for (const name of ['a', 'b', 'c/d']) await utimes(join(source, name), old, old)
    const first = await sharedOnce()
    const { FileWorkers } = await built<typeof workers>('storage/file-workers')
    const hash = vi.spyOn(FileWorkers.prototype, 'hash')
    defer(() => hash.mockRestore())
    const again = await sharedOnce()
    expect(again.done).toMatchObject({ added: 0, changed: 0, removed: 0, version: first.done.version, filesDone: 4 })
    expect(hash).not.toHaveBeenCalled()
    expect(again.length).toBe(first.length)
    expect(again.owner.link).toBe(first.owner.link.replace(/@.*/, again.owner.link.replace(/^[^@]*/, '')))
  })

  test('takes blocks that it has for what moved far, past more files than are written out at once', async () => {
    const large = randomBytes(3 * MIB)
    await writeTree(source, { 'a/large': large })
    const first = await sharedOnce()
    await rename(join(source, 'a'), join(source, 'z'))
    await writeTree(source, Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`m/${i}`, `number ${i}`])))
    const second = await sharedOnce()
    expect(second.done).toMatchObject({ added: 701, removed: 1 })
    expect(second.length).toBe(first.length + 700)
    await rm(join(source, 'z', 'large'))
    expect((await sharedOnce()).served).toBe(700)
  })

  test('takes blocks that it has for what moved or is double', async () => {
    const [large, small, twin] = [randomBytes(3 * MIB + 1), randomBytes(1000), randomBytes(2 * MIB)]
    await writeTree(source, { large, small, twin, 'copies/twin': twin, 'copies/small': small })
    const first = await sharedOnce()
    expect(first.length).toBe(4 + 1 + 2)
    await mkdir(join(source, 'moved'))
    await rename(join(source, 'large'), join(source, 'moved', 'large'))
    await rename(join(source, 'small'), join(source, 'moved', 'small'))
    await writeTree(source, { 'copies/again': twin, 'copies/large': large })
    await rm(join(source, 'twin'))
    const second = await sharedOnce()
    expect(second.done).toMatchObject({ added: 4, removed: 3 })
    expect(second.length).toBe(first.length)
    const owner = await TestSession.share(source)
    const clone = await TestSession.clone(owner.link, copy)
    await clone.done()
    await same()
  })

  test('forgets what is gone, and what comes back is new', async () => {
    const data = randomBytes(2 * MIB)
    await writeTree(source, { a: data, b: 'b' })
    const first = await sharedOnce()
    await rm(join(source, 'a'))
    expect((await sharedOnce()).done).toMatchObject({ removed: 1, filesTotal: 1 })
    await writeTree(source, { a: data })
    const third = await sharedOnce()
    expect(third.done).toMatchObject({ added: 1 })
    expect(third.length).toBe(first.length + 2)
    const owner = await TestSession.share(source)
    const clone = await TestSession.clone(owner.link, copy)
    await clone.done()
    await same()
  })

  test('notices a file that became a folder, a link or nothing, and the other way round', async () => {
    await writeTree(source, {
      'a file': 'x',
      'a folder/x': 'x',
      'an empty folder': { folder: true },
      'deep/er/empty': { folder: true },
      'a link': { link: 'x' }
    })
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await owner.close()
    for (const name of await readdir(source)) if (name !== '.dat') await rm(join(source, name), { recursive: true })
    await writeTree(source, {
      'a file/x': 'y',
      'a folder': 'y',
      'an empty folder': 'y',
      'deep/er/empty': 'y',
      'a link/x': 'y'
    })
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    expect(await pull.done()).toMatchObject({ failures: [] })
    await same()
  })
})

describe('a source that changes while it is shared', () => {
  test('unwatched: a read notices, and the clone ends with the new version', async () => {
    await writeTree(source, { a: randomBytes(3 * MIB), b: 'b', 'c/d': 'd' })
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    await writeFile(join(source, 'a'), randomBytes(2 * MIB))
    await appendFile(join(source, 'c/d'), 'more')
    await rm(join(source, 'b'))
    const clone = await TestSession.clone(owner.link, copy)
    expect(await clone.done()).toMatchObject({ failures: [] })
    await same()
    const changed = owner.all('source.changed').map(({ path }) => path)
    expect([...new Set(changed)].sort()).toEqual(['a', 'b', 'c/d'])
  })

  test('unwatched: a folder that became a link gives nothing of what is behind it', async () => {
    const outside = await temporaryFolder()
    await writeTree(outside, { secret: 'not for you', x: 'another x' })
    await writeTree(source, { 'a/x': 'x', b: 'b' })
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    await rm(join(source, 'a'), { recursive: true })
    await symlink(outside, join(source, 'a'))
    const known = owner.events.length
    const clone = await TestSession.clone(owner.link, copy)
    await owner.event('import.done', ({ removed }) => removed === 1, known)
    await clone.done()
    expect(JSON.stringify(await describeTree(copy))).not.toContain('secret')
    await expect(lstat(join(copy, 'a', 'x'))).rejects.toThrow()
  })

  test('watched: what is ignored stays so wherever something happens', async () => {
    await writeTree(source, { '.datignore': '*.secret\nhidden/\n', 'a/x': 'x', 'a/b/y': 'y', 'hidden/z': 'z' })
    const owner = await TestSession.share(source, { watch: true })
    await owner.event('import.done')
    let known = owner.events.length
    await writeTree(source, { 'hidden/new': 'new', 'a/b/key.secret': 'key', 'a/b/new': 'new' })
    await owner.event('import.done', ({ added }) => added > 0, known)
    known = owner.events.length
    await writeTree(source, { 'hidden/newer': 'new', 'a/last': 'last' })
    await owner.event('import.done', ({ added }) => added > 0, known)
    const clone = await TestSession.clone(owner.link, copy)
    await clone.done()
    expect(Object.keys(await describeTree(copy)).sort()).toEqual(['.datignore', 'a/b/new', 'a/b/y', 'a/last', 'a/x'])
  })

  test('watched: folders that come, go, move and come back are followed, at any depth', async () => {
    await writeTree(source, { 'a/b/x': 'x', '.datignore': 'out/\n' })
    const owner = await TestSession.share(source, { watch: true })
    await owner.event('import.done')
    const change = async (work: () => Promise<unknown>, field: 'added' | 'changed') => {
      const known = owner.events.length
      await work()
      await owner.event('import.done', (event) => event[field] > 0, known)
    }
    await change(() => writeTree(source, { 'new/deep/er/y': 'y', 'out/z': 'z' }), 'added')
    await change(() => writeFile(join(source, 'new/deep/er/y'), 'changed'), 'changed')
    await change(() => rename(join(source, 'new/deep'), join(source, 'a/moved')), 'added')
    await change(() => writeFile(join(source, 'a/moved/er/y'), 'changed again'), 'changed')
    // Not the folder that was watched under this name.
    await change(() => writeTree(source, { 'new/deep/er/y': 'another' }), 'added')
    await change(() => writeFile(join(source, 'new/deep/er/y'), 'another one'), 'changed')
    const clone = await TestSession.clone(owner.link, copy)
    await clone.done()
    await rm(join(source, 'out'), { recursive: true })
    await same()
  })

  test('watched: a folder that was emptied stays as an empty one', async () => {
    await writeTree(source, { 'a/b/x': 'x', c: 'c' })
    const owner = await TestSession.share(source, { watch: true })
    await owner.event('import.done')
    const known = owner.events.length
    await rm(join(source, 'a', 'b', 'x'))
    await owner.event('import.done', ({ removed }) => removed === 1, known)
    const clone = await TestSession.clone(owner.link, copy)
    await clone.done()
    await same()
  })

  test('while it is downloaded: the clone ends with one version of it, the new one', async () => {
    await writeTree(source, { a: randomBytes(48 * MIB), b: 'b' })
    const owner = await TestSession.share(source, { watch: true })
    await owner.event('import.done')
    const clone = await TestSession.clone(owner.link, copy)
    await clone.event('download.progress', ({ bytesDone }) => bytesDone > 0)
    await writeFile(join(source, 'a'), randomBytes(5 * MIB + 3))
    await clone.done()
    // It may have had the old one whole; then a pull brings the new one.
    await owner.event('import.done', ({ changed }) => changed === 1)
    await clone.close()
    const pull = await TestSession.pull(copy, owner.link)
    expect(await pull.done()).toMatchObject({ failures: [] })
    await same()
  })

  test('a file that grows all the time is told of, and everything else comes', async () => {
    await writeTree(source, {
      ...Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, `${i}`])),
      log: 'x'
    })
    let growing = true
    const writer = (async () => {
      while (growing) await appendFile(join(source, 'log'), randomBytes(64 * 1024))
    })()
    try {
      const owner = await TestSession.share(source)
      await owner.event('import.done')
      const clone = await TestSession.clone(owner.link, copy)
      // Every state of the log is old as soon as it is indexed: it is one or the other.
      await clone.event('file.done', ({ path }) => path === 'f49')
      growing = false
      await writer
      await clone.done()
      await clone.close()
      await owner.close()
    } finally {
      growing = false
      await writer
    }
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    await pull.done()
    await same()
  })
})

describe('a pull', () => {
  test('brings what changed, and takes away what is gone, but not what is the user’s own', async () => {
    await writeTree(source, { a: 'a', b: 'b', 'gone/x': 'x', 'gone/y': 'y', c: randomBytes(2 * MIB) })
    const { owner, clone } = await shareAndClone(source, copy, { watch: true })
    await clone.close()
    await writeTree(copy, { 'gone/mine': 'mine', own: 'own' })
    const known = owner.events.length
    await rm(join(source, 'gone'), { recursive: true })
    await writeTree(source, { a: 'changed', 'new/x': 'x' })
    await owner.event('import.done', () => true, known)
    await owner.close()
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    expect(await pull.done()).toMatchObject({ failures: [], downloadedBytes: 7 })
    await rm(join(copy, 'own'))
    expect(await readFile(join(copy, 'gone/mine'), 'utf8')).toBe('mine')
    await rm(join(copy, 'gone'), { recursive: true })
    await same()
  })

  test('moves what moved, without a byte from the network', async () => {
    await writeTree(source, { 'a/large': randomBytes(3 * MIB), small: 'small' })
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await owner.close()
    await rename(join(source, 'a'), join(source, 'b'))
    await rename(join(source, 'small'), join(source, 'tiny'))
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    expect(await pull.done()).toMatchObject({ downloadedBytes: 0, failures: [] })
    await same()
  })

  test('changes time and executable bit alone, without a byte from the network', async () => {
    await writeTree(source, { a: randomBytes(MIB + 1), b: { content: 'b', executable: true } })
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await owner.close()
    const time = new Date('2021-03-04T05:06:07Z')
    await utimes(join(source, 'a'), time, time)
    await import('node:fs/promises').then(({ chmod }) => chmod(join(source, 'b'), 0o644))
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    expect(await pull.done()).toMatchObject({ downloadedBytes: 0, failures: [] })
    await same()
  })
})

describe('what an import cannot read', () => {
  test.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
    'is told of, and what was shared of it stays',
    async () => {
      await writeTree(source, { 'open/x': 'x', 'closed/y': 'y', 'closed/deep/z': 'z', gone: 'gone' })
      await sharedOnce()
      const { chmod, chown } = await import('node:fs/promises')
      const { walk } = await built<typeof walks>('core/walk')
      expect(walk).toBeDefined()
      // The superuser reads everything, so for a moment the tests are somebody else, to whom all but one folder belongs.
      await chmod(join(source, '..'), 0o755)
      for (const name of await readdir(source, { recursive: true })) await chown(join(source, name), 65534, 65534)
      await chown(source, 65534, 65534)
      await rm(join(source, 'gone'))
      await chmod(join(source, 'closed'), 0o000)
      process.seteuid?.(65534)
      try {
        const owner = await TestSession.share(source)
        expect(await owner.event('import.done')).toMatchObject({ removed: 1, skipped: 1 })
        expect(owner.all('file.failed')).toMatchObject([{ path: 'closed/', reason: 'permission denied' }])
        await owner.close()
        await chmod(join(source, 'closed'), 0o755)
        const again = await TestSession.share(source)
        expect(await again.event('import.done')).toMatchObject({ added: 0, changed: 0, removed: 0, filesDone: 3 })
        await again.close()
      } finally {
        process.seteuid?.(0)
      }
    }
  )
})
