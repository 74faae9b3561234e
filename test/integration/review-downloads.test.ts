import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rename, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { fileKeys } from '../../src/core/entry.js'
import { ON_LAN, shareAndClone, TestSession, temporaryFolder } from '../helpers/core.js'
import { onDht, StockPeer } from '../helpers/core-stock.js'

const MIB = 1024 * 1024
let source: string
let copy: string
beforeEach(async () => {
  const base = await temporaryFolder()
  source = join(base, 'source')
  copy = join(base, 'copy')
  await mkdir(source)
})

describe('files of one content', () => {
  test('a copy that the owner adds while a clone has half of the original does not damage either', async () => {
    const data = randomBytes(64 * MIB)
    await writeFile(join(source, 'm.bin'), data)
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const first = await TestSession.clone(owner.link, copy)
    await first.event('download.progress', ({ bytesDone }) => bytesDone > 8 * MIB)
    await first.close()
    expect(await readdir(copy)).toEqual(['.dat'])
    await owner.close()
    await copyFile(join(source, 'm.bin'), join(source, 'z.bin'))
    const again = await TestSession.share(source)
    await again.event('import.done')
    const second = await TestSession.clone(again.link, copy)
    const summary = await second.done()
    for (const name of ['m.bin', 'z.bin'])
      expect([name, (await readFile(join(copy, name))).equals(data)]).toEqual([name, true])
    expect(summary.downloadedBytes).toBeLessThanOrEqual(56 * MIB)
  })

  test('one that moved and has a copy now costs no failure', async () => {
    await writeFile(join(source, 'a'), randomBytes(3 * MIB))
    const { owner } = await shareAndClone(source, copy)
    await owner.close()
    await rename(join(source, 'a'), join(source, 'b'))
    await copyFile(join(source, 'b'), join(source, 'c'))
    await copyFile(join(source, 'b'), join(source, 'd'))
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    expect(await pull.done()).toMatchObject({ failures: [], files: 3 })
  })

  test('a folder with many files that gets an earlier name keeps them all served', async () => {
    await mkdir(join(source, 'z'))
    for (let i = 0; i < 700; i++) {
      const file = join(source, 'z', String(i).padStart(4, '0'))
      await writeFile(file, `${i}`)
      await truncate(file, MIB)
      // Old enough for its time to say whether it was changed.
      await utimes(file, 1_600_000_000, 1_600_000_000)
    }
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    await owner.close()
    await rename(join(source, 'z'), join(source, 'a'))
    const again = await TestSession.share(source)
    await again.event('import.done')
    const clone = await TestSession.clone(again.link, copy)
    expect(await clone.done()).toMatchObject({ failures: [], files: 700 })
  })
})

describe('a share whose folder', () => {
  test('goes away does not tell clones that all is deleted', async () => {
    const store = await temporaryFolder()
    await writeFile(join(source, 'a'), 'a')
    const owner = await TestSession.share(source, { watch: true, store })
    await owner.event('import.done')
    const after = owner.events.length
    await rename(source, `${source}-moved`)
    const end = await Promise.race([
      owner.failure(),
      owner
        .event('import.done', ({ removed }) => removed > 0, after)
        .then(
          () => 'removed all',
          () => owner.failure()
        )
    ])
    expect(end).toMatchObject({ code: 'SOURCE' })
  })
})

describe('two clones without an owner', () => {
  test('do not take each other for one', async () => {
    const owner = await TestSession.share(source)
    const { link } = owner
    await owner.close()
    const key = link.replace(/@.*/, '')
    const one = await TestSession.clone(key, join(copy, '1'), { network: ON_LAN, timeout: 3 })
    const two = await TestSession.clone(key, join(copy, '2'), { network: ON_LAN, timeout: 3 })
    for (const end of await Promise.all([one.failure(), two.failure()])) expect(end).toMatchObject({ code: 'NO_PEER' })
  })
})

describe('a hostile owner', () => {
  let testnet: Testnet
  beforeAll(async () => {
    testnet = await createTestnet(4, { host: '127.0.0.1' })
  })
  afterAll(() => testnet.destroy())

  test('cannot swap a folder for a link while a file goes into it', async () => {
    const outside = await temporaryFolder()
    const stock = await StockPeer.open(testnet)
    const raw = stock.drive.db as unknown as { put(key: string, value: unknown, options: object): Promise<void> }
    for (let i = 0; i < 600; i++) {
      const name = String(i).padStart(4, '0')
      await stock.drive.put(`/${name}/evil${i}`, Buffer.from(`evil${i}`))
      await raw.put(`/${name}`, { executable: false, linkname: outside, blob: null, metadata: null }, fileKeys)
      if (i % 2)
        await raw.put(`/${name}/empty${i}`, { executable: false, linkname: null, blob: null, metadata: null }, fileKeys)
    }
    const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
    await clone.failure().catch(() => {})
    await clone.close()
    expect(await readdir(outside)).toEqual([])
  })

  test('a file that is replaced, then removed before it came, goes away', async () => {
    const stock = await StockPeer.open(testnet)
    await stock.drive.put('/keep', Buffer.from('keep'))
    await stock.drive.put('/a', randomBytes(300_000))
    const network = onDht(testnet)
    const clone = await TestSession.clone(stock.link, copy, { network })
    await clone.done()
    await clone.close()
    const raw = stock.drive.db as unknown as { put(key: string, value: unknown, options: object): Promise<void> }
    const blob = { blockOffset: 1000, blockLength: 2, byteOffset: 100_000_000, byteLength: 100_000 }
    await raw.put('/a', { executable: false, linkname: null, blob, metadata: null }, fileKeys)
    await stock.drive.put('/b', randomBytes(3000))
    const pull = await TestSession.pull(copy, stock.link, { network })
    await pull.event('file.done', ({ path }) => path === 'b')
    await pull.close()
    expect((await readFile(join(copy, 'a'))).length).toBe(300_000)
    await stock.drive.del('/a')
    const last = await TestSession.pull(copy, stock.link, { network })
    await last.done()
    expect((await readdir(copy)).sort()).toEqual(['.dat', 'b', 'keep'])
  })
})
