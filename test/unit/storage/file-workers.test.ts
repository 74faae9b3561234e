import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import crypto from 'hypercore-crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Beneath } from '../../../src/storage/beneath.js'
import type { HashResult } from '../../../src/storage/file-tasks.js'
import { temporaryFolder } from '../../helpers/core.js'
import { openWorkers } from '../../helpers/core-storage.js'

const BLOCK = 1000
let dir: string
beforeEach(async () => {
  dir = await temporaryFolder()
})

const at = (path: string): Beneath => ({ root: dir, path })
const beneath = (file: string): Beneath => at(relative(dir, file))

const hashesOf = (result: HashResult | undefined) => {
  if (!result || 'error' in result) throw new Error(`not hashed: ${JSON.stringify(result)}`)
  return Buffer.from(result.hashes)
}

const expected = (data: Buffer) => {
  const hashes: Buffer[] = []
  for (let i = 0; i < data.length; i += BLOCK) hashes.push(crypto.data(data.subarray(i, i + BLOCK)))
  return Buffer.concat(hashes)
}

describe('the hashes', () => {
  it.each([1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 17])('of %i bytes are those of hypercore', async (size) => {
    const file = join(dir, 'file')
    const data = randomBytes(size)
    await writeFile(file, data)
    const [result] = await (await openWorkers()).hash([
      { file: beneath(file), start: 0, length: size, blockSize: BLOCK }
    ])
    expect(hashesOf(result)).toEqual(expected(data))
    const { mtimeMs, ino } = await stat(file)
    expect(result).toMatchObject({ size, mtime: mtimeMs, inode: ino, executable: false })
  })

  it('of a stretch are those of its blocks', async () => {
    const file = join(dir, 'file')
    const data = randomBytes(10 * BLOCK)
    await writeFile(file, data)
    await chmod(file, 0o755)
    const job = { file: beneath(file), start: 3 * BLOCK, length: 4 * BLOCK, blockSize: BLOCK }
    const [result] = await (await openWorkers()).hash([job])
    expect(hashesOf(result)).toEqual(expected(data).subarray(3 * 32, 7 * 32))
    expect(result).toMatchObject({ executable: true })
  })

  it('come in the order of the jobs, with different block sizes too', async () => {
    const workers = await openWorkers(1)
    const data = randomBytes(2 * BLOCK)
    await writeFile(join(dir, 'file'), data)
    const job = (blockSize: number) => ({ file: at('file'), start: 0, length: data.length, blockSize })
    const results = await workers.hash([job(2 * BLOCK), job(BLOCK), job(4 * BLOCK)])
    expect(hashesOf(results[0])).toEqual(crypto.data(data))
    expect(hashesOf(results[1])).toEqual(expected(data))
    expect(hashesOf(results[2])).toEqual(crypto.data(data))
    expect(await workers.hash([])).toEqual([])
  })

  it('of many tasks at once are each those of its file', async () => {
    const workers = await openWorkers(3)
    const files = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const data = randomBytes(1 + ((i * 397) % (3 * BLOCK)))
        const file = join(dir, `f${i}`)
        await writeFile(file, data)
        return { file, data }
      })
    )
    const results = await Promise.all(
      files.map(({ file, data }) =>
        workers.hash([{ file: beneath(file), start: 0, length: data.length, blockSize: BLOCK }])
      )
    )
    results.forEach(([result], i) => {
      expect(hashesOf(result)).toEqual(expected(files[i]?.data as Buffer))
    })
    expect(workers.concurrency).toBe(6)
  })
})

describe('a file that', () => {
  const reading = async (file: string, length = BLOCK) =>
    (await (await openWorkers()).hash([{ file: beneath(file), start: 0, length, blockSize: BLOCK }]))[0]

  it('is gone, or is no file, is told of and spoils nothing else', async () => {
    const workers = await openWorkers(1)
    await writeFile(join(dir, 'good'), 'good')
    await mkdir(join(dir, 'folder'))
    const job = (name: string) => ({ file: at(name), start: 0, length: 4, blockSize: BLOCK })
    const [gone, folder, good] = await workers.hash([job('gone'), job('folder'), job('good')])
    expect(gone).toMatchObject({ error: { code: 'ENOENT' } })
    expect(folder).toMatchObject({ error: { code: 'EISDIR' } })
    expect(hashesOf(good)).toEqual(crypto.data(Buffer.from('good')))
  })

  it('became a link is not followed', async () => {
    await writeFile(join(dir, 'secret'), 'secret')
    await symlink(join(dir, 'secret'), join(dir, 'file'))
    expect(await reading(join(dir, 'file'))).toMatchObject({ error: { code: 'ELOOP' } })
  })

  it('is shorter or longer than expected shows it by its fingerprint', async () => {
    const file = join(dir, 'file')
    await writeFile(file, randomBytes(3 * BLOCK))
    expect(await reading(file, 5 * BLOCK)).toMatchObject({ size: 3 * BLOCK })
    expect(await reading(file, BLOCK)).toMatchObject({ size: 3 * BLOCK })
    await truncate(file, 0)
    expect(await reading(file, BLOCK)).toMatchObject({ size: 0 })
  })

  it.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')('may not be read is told of', async () => {
    const file = join(dir, 'file')
    await writeFile(file, 'x', { mode: 0o000 })
    await chmod(dir, 0o755)
    // The superuser reads everything, so for a moment the tests are somebody else.
    process.seteuid?.(65534)
    try {
      expect(await reading(file, 1)).toMatchObject({ error: { code: 'EACCES' } })
    } finally {
      process.seteuid?.(0)
    }
  })
})

describe('close', () => {
  it('ends tasks that wait or are under way, and refuses new ones', async () => {
    const file = join(dir, 'file')
    await writeFile(file, randomBytes(8 * 1024 * 1024))
    const workers = await openWorkers(1)
    const tasks = Array.from({ length: 5 }, () =>
      workers.hash([{ file: beneath(file), start: 0, length: 8 * 1024 * 1024, blockSize: BLOCK }])
    )
    const settled = Promise.allSettled(tasks)
    await workers.close()
    expect((await settled).map(({ status }) => status)).toEqual(Array(5).fill('rejected'))
    await expect(workers.hash([])).rejects.toThrow(/closed/)
    await workers.close()
  })
})

describe('small files', () => {
  it('are read whole, with the fingerprint that they had then', async () => {
    const workers = await openWorkers()
    const all = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const data = randomBytes(i * 37)
        const file = join(dir, `f${i}`)
        await writeFile(file, data)
        return { file, data }
      })
    )
    const results = await Promise.all(
      all.map(({ file, data }) => workers.read({ file: beneath(file), length: data.length }))
    )
    for (const [i, result] of results.entries()) {
      const { file, data } = all[i] as { file: string; data: Buffer }
      const { mtimeMs, ino, size } = await stat(file)
      expect(result).toMatchObject({ size, mtime: mtimeMs, inode: ino })
      expect('data' in result && data.equals(result.data)).toBe(true)
    }
  })

  it('that are gone, shorter or links are told of one by one', async () => {
    const workers = await openWorkers(1)
    await writeFile(join(dir, 'good'), 'good')
    await symlink(join(dir, 'good'), join(dir, 'link'))
    const results = await Promise.all(
      [
        { name: 'gone', length: 4 },
        { name: 'good', length: 5 },
        { name: 'link', length: 4 },
        { name: 'good', length: 4 }
      ].map(({ name, length }) => workers.read({ file: at(name), length }))
    )
    expect(results.slice(0, 3).map((result) => 'error' in result && result.error.code)).toEqual([
      'ENOENT',
      'ESHORT',
      'ELOOP'
    ])
    expect(results[3]).toMatchObject({ size: 4 })
  })

  it('are written whole, many at once, replacing what was there and following no link', async () => {
    const workers = await openWorkers()
    await writeFile(join(dir, 'f0'), 'much longer than what replaces it')
    await writeFile(join(dir, 'victim'), 'precious')
    await symlink(join(dir, 'victim'), join(dir, 'link'))
    const names = Array.from({ length: 200 }, (_, i) => `f${i}`)
    const results = await Promise.all(
      names.map((name) => workers.write({ file: at(name), data: Buffer.from(`is ${name}`) }))
    )
    expect(results.every((result) => 'written' in result)).toBe(true)
    for (const name of names) expect(await readFile(join(dir, name), 'utf8')).toBe(`is ${name}`)
    expect(await workers.write({ file: at('link'), data: Buffer.from('pwn') })).toMatchObject({
      error: { code: 'ELOOP' }
    })
    expect(await readFile(join(dir, 'victim'), 'utf8')).toBe('precious')
  })

  it('are put in place, but not over what is not dat’s', async () => {
    const workers = await openWorkers()
    const place = async (name: string, more: object) => {
      await writeFile(join(dir, 'from'), 'new')
      const job = {
        from: at('from'),
        to: at(name),
        mtime: 1e12,
        mode: 0o755,
        replace: null,
        force: false
      }
      return workers.place({ ...job, ...more })
    }
    expect(await place('fresh', {})).toMatchObject({ size: 3, mtime: 1e12 })
    const fresh = await lstat(join(dir, 'fresh'))
    expect(fresh.mode & 0o777).toBe(0o755)
    // The same content is in nobody's way.
    expect(await place('fresh', {})).toMatchObject({ size: 3, mtime: 1e12 })
    await writeFile(join(dir, 'fresh'), 'old')
    await utimes(join(dir, 'fresh'), 1e9, 1e9)
    expect(await place('fresh', {})).toEqual({ inTheWay: 'foreign' })
    const { ino } = await lstat(join(dir, 'fresh'))
    expect(await place('fresh', { replace: { mtime: 1, inode: ino, size: 3 } })).toEqual({ inTheWay: 'altered' })
    expect(await place('fresh', { replace: { mtime: 1e12, inode: ino, size: 3 } })).toMatchObject({ size: 3 })
    expect(await readFile(join(dir, 'fresh'), 'utf8')).toBe('new')
    await utimes(join(dir, 'fresh'), 5, 5)
    expect(await place('fresh', { force: true })).toMatchObject({ mtime: 1e12 })
    await mkdir(join(dir, 'folder'))
    await writeFile(join(dir, 'folder', 'mine'), '')
    expect(await place('folder', { force: true })).toEqual({ inTheWay: 'folder' })
    expect(await place('new/folder/x', {})).toMatchObject({ size: 3 })
  })
})
