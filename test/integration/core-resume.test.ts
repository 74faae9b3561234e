import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { DatError } from '../../src/base/errors.js'
import { TestSession, temporaryFolder } from '../helpers/core.js'
import { canMount, smallDisk } from '../helpers/disks.js'
import { describeTree, writeTree } from '../helpers/trees.js'

const MIB = 1024 * 1024
let source: string
let copy: string
beforeEach(async () => {
  source = join(await temporaryFolder(), 'source')
  copy = join(await temporaryFolder(), 'copy')
})

const same = async () => expect(await describeTree(copy)).toEqual(await describeTree(source))
const manyFiles = (count: number, size: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`many/${i % 10}/${i}`, randomBytes(size + (i % 100))]))

describe('a clone that starts early', () => {
  test('waits for the end of the first index, however early it is', async () => {
    await writeTree(source, manyFiles(1500, 500))
    const owner = await TestSession.share(source)
    const clone = await TestSession.clone(owner.link, copy)
    const summary = await clone.done()
    expect(summary).toMatchObject({ files: 1500, failures: [] })
    expect(owner.all('import.done')).toHaveLength(1)
    await same()
  })

  test('of a share that is empty so far, or for good, ends with nothing', async () => {
    await mkdir(source)
    const owner = await TestSession.share(source)
    const clone = await TestSession.clone(owner.link, copy)
    expect(await clone.done()).toMatchObject({ files: 0, bytes: 0 })
    expect(await readdir(copy)).toEqual(['.dat'])
  })

  test('gets a large file while it is indexed, and the files after it', async () => {
    await mkdir(source)
    // Just above the size from which a file is shared while it is hashed. Most of it is a hole, which costs no disk.
    const size = 257 * MIB
    const file = await open(join(source, 'large.bin'), 'w')
    for (let at = 0; at < size; at += 16 * MIB) await file.write(randomBytes(100), 0, 100, at)
    await file.truncate(size)
    await file.close()
    await writeTree(source, { 'a first': 'a', 'z last': randomBytes(2 * MIB) })
    const owner = await TestSession.share(source)
    const clone = await TestSession.clone(owner.link, copy)
    expect(await clone.done()).toMatchObject({ files: 3, failures: [] })
    await same()
    await clone.close()
    await owner.close()
    const again = await TestSession.share(source)
    expect(await again.event('import.done')).toMatchObject({ added: 0, changed: 0, filesDone: 3 })
  })
})

describe('a clone that was cut off', () => {
  test('goes on with what it has, of many files', async () => {
    await writeTree(source, manyFiles(1500, 2000))
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const first = await TestSession.clone(owner.link, copy)
    await first.event('file.done', () => first.all('file.done').length >= 200)
    await first.close()
    const second = await TestSession.clone(owner.link, copy)
    const summary = await second.done()
    await same()
    const total = Object.keys(await describeTree(source)).length
    expect(total).toBe(1500)
    // What was reported as done is not fetched again.
    expect(summary.downloadedBytes).toBeLessThanOrEqual(summary.bytes - 200 * 2000)
    await second.close()
    const third = await TestSession.clone(owner.link, copy)
    expect(await third.done()).toMatchObject({ downloadedBytes: 0, files: 1500 })
  })

  test('goes on with what it has, of one large file', async () => {
    await writeTree(source, { a: randomBytes(96 * MIB) })
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const first = await TestSession.clone(owner.link, copy)
    const { bytesDone } = await first.event('download.progress', (event) => event.bytesDone > 0)
    await first.close()
    const second = await TestSession.clone(owner.link, copy)
    const summary = await second.done()
    await same()
    expect(summary.downloadedBytes).toBeLessThanOrEqual(96 * MIB - bytesDone)
    await second.close()
    expect(await readdir(join(copy, '.dat'))).toEqual(['index'])
  })

  test('again and again ends all the same', async () => {
    await writeTree(source, { ...manyFiles(500, 3000), large: randomBytes(20 * MIB) })
    const owner = await TestSession.share(source)
    for (let i = 1; i <= 4; i++) {
      const clone = await TestSession.clone(owner.link, copy)
      const some = clone.event('file.done', () => clone.all('file.done').length >= i * 20)
      // A fast computer may be done with all of it before.
      await Promise.race([some.catch(() => clone.done()), clone.done()])
      await clone.close()
    }
    const last = await TestSession.clone(owner.link, copy)
    expect(await last.done()).toMatchObject({ failures: [] })
    await same()
  })

  test('by the other side goes on by itself', async () => {
    await writeTree(source, { ...manyFiles(500, 3000), large: randomBytes(48 * MIB) })
    const port = { host: '127.0.0.1', port: 0 }
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    port.port = Number(/:(\d+)$/.exec(owner.link)?.[1])
    const clone = await TestSession.clone(owner.link, copy)
    await clone.event('file.done')
    await owner.close()
    await TestSession.share(source, {
      network: { dht: false, bootstrap: [], lan: false, lanInterface: '127.0.0.1', listen: port, peers: [] }
    })
    expect(await clone.done()).toMatchObject({ failures: [] })
    await same()
  })
})

describe.skipIf(!canMount)('a disk that is full', () => {
  test('is noticed before anything is fetched', async () => {
    await writeTree(source, { a: randomBytes(30 * MIB) })
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const disk = await smallDisk(24)
    copy = join(disk, 'copy')
    const clone = await TestSession.clone(owner.link, copy)
    const error = (await clone.failure()) as DatError
    expect(error).toMatchObject({ code: 'DISK_FULL', exitCode: 16 })
    expect(error.message).toMatch(/31\.5 MB.*free/)
    expect(clone.all('download.progress').every(({ bytesDone }) => bytesDone === 0)).toBe(true)
  })

  test.each([
    ['of many files', () => manyFiles(600, 30_000)],
    ['of one large file', () => ({ a: randomBytes(18 * MIB) })]
  ])('in the middle %s loses nothing: it goes on once there is room', async (_what, tree) => {
    await writeTree(source, tree())
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const disk = await smallDisk(40)
    copy = join(disk, 'copy')
    await writeFile(join(disk, 'filler'), Buffer.alloc(24 * MIB))
    // Of a part of a share it is not known before how large it will be.
    const clone = await TestSession.clone(owner.link, copy, { include: ['*'] })
    const error = (await clone.failure()) as DatError
    expect(error).toMatchObject({ code: 'DISK_FULL', exitCode: 16 })
    expect(error.hint).toContain('resumes')
    await clone.close().catch(() => {})
    await rm(join(disk, 'filler'))
    const again = await TestSession.clone(owner.link, copy)
    const summary = await again.done()
    expect(summary).toMatchObject({ failures: [] })
    // A good part of what had arrived before the disk was full.
    expect(summary.downloadedBytes).toBeLessThan(summary.bytes - 4 * MIB)
    await same()
  })
})
