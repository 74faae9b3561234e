import { randomBytes } from 'node:crypto'
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DatError } from '../../src/base/errors.js'
import { datKeys, fileKeys, STATE } from '../../src/core/entry.js'
import { TestSession, temporaryFolder } from '../helpers/core.js'
import { onDht, StockPeer } from '../helpers/core-stock.js'
import { canMount, smallDisk } from '../helpers/disks.js'
import { describeTree } from '../helpers/trees.js'

let testnet: Testnet
let copy: string
let outside: string
let stock: StockPeer
const GOOD = randomBytes(200_000)
beforeAll(async () => {
  testnet = await createTestnet(4, { host: '127.0.0.1' })
})
afterAll(() => testnet.destroy())
beforeEach(async () => {
  copy = join(await temporaryFolder(), 'copy')
  outside = await temporaryFolder()
  await writeFile(join(outside, 'victim'), 'precious')
  stock = await StockPeer.open(testnet)
  // One at either end of the order of keys, and one in the middle: the rest has to arrive.
  for (const name of ['/!first', '/good/file.bin', '/~last']) await stock.drive.put(name, GOOD)
})

interface Raw {
  put(key: string, value: unknown, options: object): Promise<void>
}
/** Writes an entry as Hyperdrive itself never would. */
const raw = (key: string, value: unknown) => (stock.drive.db as unknown as Raw).put(key, value, fileKeys)

/** A blob of some bytes, with an entry of its own shape. */
async function blobOf(data: Buffer) {
  await stock.drive.put('/.scratch', data)
  const entry = await stock.drive.entry('/.scratch')
  await stock.drive.del('/.scratch')
  return entry?.value.blob as unknown as {
    blockOffset: number
    blockLength: number
    byteOffset: number
    byteLength: number
  }
}

const entry = (blob: unknown, more: object = {}) => ({
  executable: false,
  linkname: null,
  blob,
  metadata: null,
  ...more
})

/** Clones, and expects that it is done but for some files. */
async function cloneInPart(): Promise<{ failed: string[]; error: DatError; clone: TestSession }> {
  const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
  const error = (await clone.failure()) as DatError
  expect(error).toMatchObject({ code: 'PARTIAL', exitCode: 3 })
  await clone.close()
  return { failed: error.failures.map(({ path }) => path), error, clone }
}

/** What must be so after every attack. */
async function unharmed(): Promise<void> {
  expect(await readdir(outside)).toEqual(['victim'])
  expect(await readFile(join(outside, 'victim'), 'utf8')).toBe('precious')
  expect(await readdir(dirname(copy))).toEqual(['copy'])
  for (const name of ['!first', 'good/file.bin', '~last']) {
    expect([name, (await readFile(join(copy, name))).equals(GOOD)]).toEqual([name, true])
  }
}

describe('a hostile owner', () => {
  test('cannot name a file outside the clone, nor in dat’s own folder', async () => {
    const blob = await blobOf(Buffer.from('pwn'))
    const names = [
      '/../pwn',
      '/..',
      '/a/../../pwn',
      '/a/./pwn',
      '//pwn',
      `/${join(outside, 'pwn')}`,
      '/a//pwn',
      '/pwn/',
      '/',
      '/.dat/index/CORESTORE',
      '/.dat/partial/0-200000',
      '/.DAT/pwn',
      '/.dat. /pwn',
      '/.d\u200bat/pwn',
      '/.dat-x/pwn',
      '/nul\0byte',
      `/${'x'.repeat(256)}`
    ]
    for (const name of names) await raw(name, entry(blob))
    const { failed, error } = await cloneInPart()
    await unharmed()
    expect(failed.sort()).toEqual([...names].sort())
    for (const { reason } of error.failures) expect(reason).toMatch(/name|dat itself/)
    expect(Object.keys(await describeTree(copy)).sort()).toEqual(['!first', 'good/file.bin', '~last'])
  })

  test('cannot send a file through a link that it planted', async () => {
    await stock.drive.symlink('/x', outside)
    await stock.drive.symlink('/y/z', '../..')
    const blob = await blobOf(Buffer.from('pwn'))
    for (const name of ['/x/pwn', '/x/victim', '/y/z/pwn', '/x/deep/pwn']) await raw(name, entry(blob))
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    const error = (await clone.failure()) as DatError
    // Whichever came first is there, the link or the folder; never one through the other.
    expect(error.failures.length).toBeGreaterThan(0)
    for (const { reason } of error.failures) expect(reason).toMatch(/link is where a folder|folder that is not empty/)
    await unharmed()
  })

  test('cannot plant a link first and send the file in a later version', async () => {
    await stock.drive.symlink('/x', outside)
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    await clone.done()
    await clone.close()
    const blob = await blobOf(Buffer.from('pwn'))
    for (const name of ['/x/pwn', '/x/victim']) await raw(name, entry(blob))
    for (const force of [false, true]) {
      const pull = await TestSession.pull(copy, stock.link, { network: onDht(testnet), force })
      expect(await pull.failure()).toMatchObject({ code: expect.stringMatching(/PARTIAL|ALTERED/) })
      await pull.close()
      await unharmed()
    }
    // And a deletion does not go through it either.
    await stock.drive.del('/x/victim')
    await stock.drive.del('/x/pwn')
    const pull = await TestSession.pull(copy, stock.link, { network: onDht(testnet), force: true })
    await pull.done()
    await unharmed()
  })

  test('cannot use a link that the user has made', async () => {
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    await clone.done()
    await clone.close()
    await symlink(outside, join(copy, 'mine'))
    await stock.drive.put('/mine/pwn', Buffer.from('pwn'))
    await stock.drive.put('/mine/victim', Buffer.from('pwn'))
    const pull = await TestSession.pull(copy, stock.link, { network: onDht(testnet), force: true })
    await pull.failure()
    await unharmed()
  })

  test('cannot have a file and a folder of one name', async () => {
    const blob = await blobOf(Buffer.from('x'))
    for (const name of ['/a', '/a/b', '/c/d/e', '/c/d', '/c']) await raw(name, entry(blob))
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    const error = (await clone.failure()) as DatError
    // One of each pair is there.
    expect(error.failures.length).toBeGreaterThanOrEqual(2)
    expect(error.failures.length).toBeLessThanOrEqual(3)
    await unharmed()
  })

  test('gets nowhere with entries that are none', async () => {
    const values = {
      '/null': null,
      '/text': 'text',
      '/number': 5,
      '/list': [],
      '/nothing': {},
      '/blob text': entry('blob'),
      '/blob number': entry(7),
      '/blob list': entry([]),
      '/link number': entry(null, { linkname: 5 }),
      '/link object': entry(null, { linkname: {} }),
      '/link empty': entry(null, { linkname: '' }),
      '/link nul': entry(null, { linkname: 'a\0b' }),
      '/link long': entry(null, { linkname: 'x'.repeat(5000) })
    }
    for (const [key, value] of Object.entries(values)) await raw(key, value)
    const { error } = await cloneInPart()
    await unharmed()
    const failed = error.failures.map(({ path }) => path.replace(/^\//, ''))
    for (const name of ['null', 'text', 'number', 'blob text', 'blob number', 'link number', 'link nul', 'link long']) {
      expect(failed).toContain(name)
    }
    // A person reads these: nothing of the inside of the program.
    for (const { reason } of error.failures) expect(reason).not.toMatch(/undefined|null|function|TypeError|properties/)
  })

  test('gets nowhere with numbers that are none', async () => {
    const good = await blobOf(Buffer.from('x'))
    const blobs = {
      '/negative': { ...good, blockOffset: -1 },
      '/negative length': { ...good, blockLength: -1, byteLength: -1 },
      '/fraction': { ...good, blockOffset: 0.5 },
      '/text': { ...good, byteLength: '1' },
      '/none': { ...good, byteLength: null },
      '/missing': { blockOffset: 0 },
      '/huge': { ...good, blockLength: 2 ** 60, byteLength: 2 ** 60 },
      // More than the replicator could ask for in a lifetime.
      '/endless': { ...good, blockLength: 2 ** 35, byteLength: 2 ** 51 },
      '/beyond': { ...good, blockOffset: 2 ** 40 },
      '/no blocks': { ...good, blockLength: 0 },
      '/no bytes': { ...good, byteLength: 0 }
    }
    for (const [key, blob] of Object.entries(blobs)) await raw(key, entry(blob))
    await raw('/times', entry(good, { metadata: { mtime: 1e300 }, executable: 'yes' }))
    await raw('/no times', entry(good, { metadata: 'mtime' }))
    await raw('/ancient', entry(good, { metadata: { mtime: -8e15 } }))
    const { failed } = await cloneInPart()
    await unharmed()
    for (const key of Object.keys(blobs).filter((name) => name !== '/no bytes')) expect(failed).toContain(key.slice(1))
    expect(await readFile(join(copy, 'times'), 'utf8')).toBe('x')
    expect(await readFile(join(copy, 'no times'), 'utf8')).toBe('x')
  })

  test('that promises blocks it does not have keeps nothing else from coming', async () => {
    const good = await blobOf(Buffer.from('x'))
    const blobs = {
      '/beyond': { ...good, blockOffset: 2 ** 31, blockLength: 2, byteLength: 100_000 },
      '/endless': { ...good, blockLength: 2 ** 26, byteLength: 2 ** 42 }
    }
    for (const [key, blob] of Object.entries(blobs)) await raw(key, entry(blob))
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    for (const path of ['!first', 'good/file.bin', '~last'])
      await clone.event('file.done', (event) => event.path === path)
    // It could be that these blocks are still to come, so it says that it waits.
    await clone.event('stalled')
    await clone.close()
    await unharmed()
  })

  test('gets nowhere with blobs that overlap', async () => {
    const data = randomBytes(300_000)
    const blob = await blobOf(data)
    await raw('/whole', entry(blob))
    // The same blocks in other shapes: shifted, cut, and as if they were one.
    await raw('/shifted', entry({ ...blob, blockOffset: blob.blockOffset + 1, byteOffset: blob.byteOffset + 65_536 }))
    await raw('/cut', entry({ ...blob, blockLength: 2, byteLength: 2 * 65_536 }))
    await raw('/shrunk', entry({ ...blob, byteLength: blob.byteLength - 1 }))
    await raw('/one', entry({ ...blob, blockLength: 1, byteLength: 65_536 }))
    await raw('/one of another size', entry({ ...blob, blockLength: 1, byteLength: 1_000_000 }))
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    const error = (await clone.failure()) as DatError
    expect(error.code).toBe('PARTIAL')
    await clone.close()
    await unharmed()
    // What is there under these names is what the blocks say, of the promised length; anything else was named.
    const failed = new Set(error.failures.map(({ path }) => path))
    const lengths: Record<string, number> = {
      whole: 300_000,
      cut: 2 * 65_536,
      one: 65_536,
      shrunk: 299_999,
      'one of another size': 1_000_000
    }
    for (const [name, length] of Object.entries(lengths)) {
      if (failed.has(name)) continue
      const got = await readFile(join(copy, name))
      expect([name, got.length, got.equals(data.subarray(0, length))]).toEqual([name, length, true])
    }
  })

  test('gets nowhere with a block map that is none', async () => {
    const rubbish = await blobOf(randomBytes(1000))
    await raw('/rubbish', entry({ ...rubbish, blockMap: true }))
    await raw('/long map', entry({ ...rubbish, blockLength: 100, byteLength: 100_000, blockMap: true }))
    const { failed } = await cloneInPart()
    expect(failed.sort()).toEqual(['long map', 'rubbish'])
    await unharmed()
  })

  test('may use odd names, which stay what they are', async () => {
    const names = ['\u001b[31mred', 'line\nbreak', '\u202ereversed', '-rf', '~', '$(reboot)', ' ', '...']
    for (const name of names) await stock.drive.put(`/odd/${name}`, Buffer.from(name))
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    await clone.done()
    await unharmed()
    expect((await readdir(join(copy, 'odd'))).sort()).toEqual([...names].sort())
  })

  const claim = (bytes: number, holes: unknown) =>
    (stock.drive.db as unknown as Raw).put(STATE, { complete: true, time: 1, files: 3, bytes, holes }, datKeys)

  test.each([[-(2 ** 60)], ['9e30'], [[9e30]], [{ valueOf: 9e30 }], [true], [null]])(
    'that says %j of its holes is taken to have none',
    async (holes) => {
      await claim(2 ** 60, holes)
      const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
      expect(await clone.failure()).toMatchObject({ code: 'DISK_FULL' })
    }
  )

  test.each([[2 ** 60], [Number.MAX_VALUE]])('that boasts of %d bytes in holes is cloned as ever', async (holes) => {
    await claim(2 ** 60, holes)
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    expect(await clone.done()).toMatchObject({ files: 3, failures: [] })
    await clone.close()
    await unharmed()
  })

  test.skipIf(!canMount)('that hides what it takes behind holes fills the disk, and is told of', async () => {
    const size = 40 * 1024 * 1024
    await stock.drive.put('/large', randomBytes(size))
    await claim(size, size)
    copy = join(await smallDisk(32), 'copy')
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    expect(await clone.failure()).toMatchObject({ code: 'DISK_FULL' })
    await clone.close()
    expect(await readdir(copy)).not.toContain('large')
  })
})
