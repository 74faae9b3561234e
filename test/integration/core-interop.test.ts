import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseLink } from '../../src/base/link.js'
import { ON_LAN, TestSession, temporaryFolder } from '../helpers/core.js'
import { contentsOf, onDht, StockPeer } from '../helpers/core-stock.js'
import { describeTree, type Sample, writeTree } from '../helpers/trees.js'

const MIB = 1024 * 1024
let testnet: Testnet
let source: string
let copy: string
beforeAll(async () => {
  testnet = await createTestnet(4, { host: '127.0.0.1' })
})
afterAll(() => testnet.destroy())
beforeEach(async () => {
  source = join(await temporaryFolder(), 'source')
  copy = join(await temporaryFolder(), 'copy')
})

const TREE: Record<string, Sample> = {
  'empty.txt': '',
  one: 'x',
  'sizes/exactly a block': randomBytes(MIB),
  'sizes/one more': randomBytes(MIB + 1),
  'sizes/five.bin': randomBytes(5 * MIB),
  'sizes/odd.bin': randomBytes(3 * MIB - 1),
  'bin/run': { content: '#!/bin/sh\n', executable: true, modified: new Date('2020-02-02T02:02:02Z') },
  'link to one': { link: 'one' },
  'deep/er/link': { link: '../../sizes' },
  'ü/\u{1f600}.txt': 'names',
  ...Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`many/${i % 7}/${i}.txt`, `file ${i}\n`]))
}

describe('a plain Hyperdrive client', () => {
  test('mirrors a share byte for byte, and what changes in it', async () => {
    await writeTree(source, TREE)
    const owner = await TestSession.share(source, { network: onDht(testnet), watch: true })
    await owner.event('import.done')
    const stock = await StockPeer.open(testnet, parseLink(owner.link).key)
    await stock.update()
    await mkdir(copy)
    await stock.mirror(copy)
    expect(await contentsOf(copy)).toEqual(await contentsOf(source))

    const known = owner.events.length
    await writeTree(source, { one: 'changed', 'new/file': randomBytes(2 * MIB + 5) })
    await rm(join(source, 'sizes', 'five.bin'))
    await owner.event('import.done', ({ version }) => version > 0, known)
    await owner.event('import.done', () => true, known)
    await expect
      .poll(
        async () => {
          await stock.update()
          await stock.mirror(copy)
          return contentsOf(copy)
        },
        { timeout: 20_000, interval: 200 }
      )
      .toEqual(await contentsOf(source))
  })

  test('reads parts of a file, and what it must not have is never in its hands', async () => {
    const data = randomBytes(5 * MIB)
    await writeTree(source, { 'data.bin': data, '.datignore': 'secret\n', secret: 'not for you' })
    const owner = await TestSession.share(source, { network: onDht(testnet) })
    await owner.event('import.done')
    const stock = await StockPeer.open(testnet, parseLink(owner.link).key)
    await stock.update()
    const chunks: Buffer[] = []
    for await (const chunk of stock.drive.createReadStream('/data.bin', { start: 2 * MIB - 3, end: 2 * MIB + 4 })) {
      chunks.push(chunk)
    }
    expect(Buffer.concat(chunks).equals(data.subarray(2 * MIB - 3, 2 * MIB + 5))).toBe(true)
    expect(await stock.drive.entry('/secret')).toBeNull()
    const paths: string[] = []
    for await (const { key } of stock.drive.list('/')) paths.push(key)
    expect(paths.sort()).toEqual(['/.datignore', '/data.bin'])
  })

  test('gets shares of a clone too, from its files', async () => {
    await writeTree(source, TREE)
    const owner = await TestSession.share(source, { network: onDht(testnet) })
    await owner.event('import.done')
    const clone = await TestSession.clone(owner.link, copy, { network: onDht(testnet) })
    await clone.done()
    await clone.close()
    await owner.close()
    // A share of a clone serves it further.
    await TestSession.share(copy, { network: onDht(testnet) })
    const stock = await StockPeer.open(testnet, parseLink(owner.link).key)
    await stock.update()
    const third = await temporaryFolder()
    await stock.mirror(third)
    expect(await contentsOf(third)).toEqual(await contentsOf(source))
  })
})

describe('a drive made by plain Hyperdrive', () => {
  const uneven = [1000, 70_000, 65_536, 3, 200_000, 1, MIB + 7].map((size) => randomBytes(size))
  const repeated = randomBytes(100_000)
  const dedup = [repeated, randomBytes(50_000), repeated, repeated, randomBytes(10), repeated]
  const files: Record<string, Buffer> = {
    '/small.txt': Buffer.from('small'),
    '/empty.txt': Buffer.alloc(0),
    '/one block': randomBytes(65_536),
    '/one block and a byte': randomBytes(65_537),
    '/data/five.bin': randomBytes(5 * MIB + 3),
    '/data/a mebibyte': randomBytes(MIB),
    '/data/deep/er/x': Buffer.from('x')
  }

  async function stockOwner() {
    const stock = await StockPeer.open(testnet)
    for (const [path, data] of Object.entries(files)) await stock.drive.put(path, data)
    await stock.drive.put('/run.sh', Buffer.from('#!/bin/sh\n'), { executable: true })
    await stock.drive.symlink('/data/link', '../small.txt')
    await stock.stream('/uneven.bin', uneven)
    await stock.stream('/dedup.bin', dedup, { dedup: true })
    return stock
  }

  const read = (path: string) => readFile(join(copy, path))

  test('is cloned whole, whatever its blocks are, and pulled again', async () => {
    const stock = await stockOwner()
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    const summary = await clone.done()
    expect(summary).toMatchObject({ failures: [], version: stock.drive.version })
    await clone.close()
    for (const [path, data] of Object.entries(files))
      expect([path, (await read(path)).equals(data)]).toEqual([path, true])
    expect((await read('uneven.bin')).equals(Buffer.concat(uneven))).toBe(true)
    expect((await read('dedup.bin')).equals(Buffer.concat(dedup))).toBe(true)
    expect((await lstat(join(copy, 'run.sh'))).mode & 0o100).toBe(0o100)
    const expected = await temporaryFolder()
    await stock.mirror(expected)
    expect(await contentsOf(copy)).toEqual(await contentsOf(expected))

    // Nothing changed: nothing is fetched.
    const again = await TestSession.pull(copy, stock.link, { network: onDht(testnet) })
    expect(await again.done()).toMatchObject({ downloadedBytes: 0, failures: [] })
    await again.close()

    const next = [repeated, randomBytes(20_000), repeated, ...dedup]
    await stock.stream('/dedup.bin', next, { dedup: true })
    await stock.drive.put('/small.txt', Buffer.from('another'))
    await stock.drive.put('/data/new', randomBytes(3 * MIB + 1))
    await stock.drive.del('/data/five.bin')
    await stock.drive.del('/data/link')
    const pull = await TestSession.pull(copy, stock.link, { network: onDht(testnet) })
    expect(await pull.done()).toMatchObject({ failures: [], version: stock.drive.version })
    await pull.close()
    const after = await temporaryFolder()
    await stock.mirror(after)
    expect(await contentsOf(copy)).toEqual(await contentsOf(after))
    expect((await read('dedup.bin')).equals(Buffer.concat(next))).toBe(true)
  })

  test('is served further by its clone, to a plain client', async () => {
    const stock = await StockPeer.open(testnet)
    for (const [path, data] of Object.entries(files)) await stock.drive.put(path, data)
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    await clone.done()
    await clone.close()
    await stock.close()
    await TestSession.share(copy, { network: onDht(testnet) })
    const third = await StockPeer.open(testnet, stock.drive.key)
    await third.update()
    const folder = await temporaryFolder()
    await third.mirror(folder)
    expect(await contentsOf(folder)).toEqual(await contentsOf(copy))
  })

  test('can be cloned in part', async () => {
    const stock = await stockOwner()
    const clone = await TestSession.clone(stock.link, copy, {
      network: onDht(testnet),
      include: ['data'],
      exclude: ['*.bin']
    })
    await clone.done()
    expect(Object.keys(await contentsOf(copy))).toEqual(['data/a mebibyte', 'data/deep/er/x', 'data/link'])
  })
})

describe('between two dats', () => {
  test('a share comes over the local network as it is, times and empty folders too', async () => {
    await writeTree(source, { ...TREE, 'nothing here': { folder: true } })
    await chmod(join(source, 'one'), 0o700)
    const owner = await TestSession.share(source, { network: ON_LAN })
    const clone = await TestSession.clone(owner.link, copy, { network: ON_LAN })
    const summary = await clone.done()
    expect(await describeTree(copy)).toEqual(await describeTree(source))
    expect(await owner.event('peer.complete')).toMatchObject({ version: summary.version })
    expect((await clone.event('peer.connected')).route).toBe('lan')
    expect(JSON.stringify(owner.events.filter(({ type }) => type !== 'link'))).not.toContain(owner.link.slice(6, 40))
  })

  test('and over the DHT', async () => {
    await writeTree(source, TREE)
    const owner = await TestSession.share(source, { network: onDht(testnet) })
    const clone = await TestSession.clone(owner.link, copy, { network: onDht(testnet) })
    await clone.done()
    expect(await describeTree(copy)).toEqual(await describeTree(source))
    expect((await clone.event('peer.connected')).route).toBe('direct')
  })
})
