import { randomBytes } from 'node:crypto'
import { lstat, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import createTestnet from 'hyperdht/testnet.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Room } from '../helpers/dat.js'
import { describeTree, PLAIN_TREE, type Sample, writeTree } from '../helpers/trees.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
})
afterEach(() => room.close())

async function shareAndClone(tree: Record<string, Sample>) {
  const source = room.path('source')
  await writeTree(source, tree)
  const { share, link } = await room.share(source)
  const clone = room.dat(['clone', link, 'copy'])
  await clone.exits(0)
  expect(await describeTree(room.path('copy'))).toEqual(await describeTree(source))
  return { share, clone, link, source, copy: room.path('copy') }
}

describe('share and clone', () => {
  it('copies a folder over the local network, and both ends agree on success', async () => {
    const { share, clone, copy } = await shareAndClone(PLAIN_TREE)
    const done = await clone.waitFor('done')
    expect(done).toMatchObject({ v: 1, dir: copy, files: 5 })
    expect(done.bytes).toBeGreaterThan(3 * 1024 * 1024)
    expect(done.downloadedBytes).toBe(done.bytes)
    expect(clone.all('peer.connected')[0]).toMatchObject({ route: 'lan' })
    const imported = await share.waitFor('import.done')
    expect(imported).toMatchObject({ added: 5, changed: 0, removed: 0, filesTotal: 5, bytesTotal: done.bytes })
    const complete = await share.waitFor('peer.complete')
    expect(complete.version).toBe(done.version)
    await share.stop()
    expect(await share.exit).toBe(130)
  })

  it('serves five at once, who also get blocks from each other and the same block twice', async () => {
    const source = room.path('source')
    await writeTree(source, { 'recording.bin': randomBytes(20_000_000) })
    const { share, link } = await room.share(source)
    await share.waitFor('import.done')
    const copies = ['1', '2', '3', '4', '5']
    const clones = copies.map((copy) => room.dat(['clone', link, copy]))
    for (const [i, clone] of clones.entries()) {
      await clone.exits(0)
      expect(await clone.waitFor('done')).toMatchObject({ bytes: 20_000_000, downloadedBytes: 20_000_000 })
      expect(await describeTree(room.path(copies[i] as string))).toEqual(await describeTree(source))
    }
  })

  it('prints the link before it reads a file, and the link alone has the key', async () => {
    const { share, clone, link } = await shareAndClone({ a: 'a' })
    const types = share.events.map(({ type }) => type)
    expect(types.indexOf('link')).toBeLessThan(types.findIndex((type) => type.startsWith('import')))
    expect(await share.waitFor('link')).toMatchObject({ link, key: link.slice(6, 58), dir: room.path('source') })
    const others = [...share.events, ...clone.events].filter((event) => event.type !== 'link')
    expect(JSON.stringify(others)).not.toContain(link.slice(6, 58))
    expect(share.stderr + clone.stderr).not.toContain(link.slice(6, 58))
  })

  it('copies over a private DHT with the local network switched off', async () => {
    const testnet = await createTestnet(4, { host: '127.0.0.1' })
    try {
      const env = { DAT_BOOTSTRAP: testnet.bootstrap.map(({ host, port }) => `${host}:${port}`).join(',') }
      await writeTree(room.path('source'), PLAIN_TREE)
      const share = room.dat(['share', 'source', '--no-lan'], { env })
      const { link } = await share.waitFor('link')
      expect(await share.waitFor('network.ready')).toMatchObject({ dht: true, lan: false })
      const clone = room.dat(['clone', String(link), 'copy', '--no-lan'], { env })
      await clone.exits(0)
      expect(clone.all('peer.connected')[0]).toMatchObject({ route: 'direct' })
      expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
      await share.stop()
    } finally {
      await testnet.destroy()
    }
  })

  it('copies over direct TCP with the address in the link', async () => {
    await writeTree(room.path('source'), PLAIN_TREE)
    const { share, link } = await room.share('source', ['--no-lan', '--listen', '127.0.0.1:0'])
    expect(link).toMatch(/^dat:\/\/[a-z0-9]{52}@127\.0\.0\.1:\d+$/)
    const clone = await room.dat(['clone', link, 'copy', '--no-lan']).exits(0)
    expect(clone.all('peer.connected')[0]).toMatchObject({ route: 'tcp' })
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
    await share.stop()
  })

  it('names the clone after the shared folder, never after the key', async () => {
    await writeTree(room.path('measurements'), { a: 'a' })
    await writeTree(room.path('elsewhere'), {})
    const { link } = await room.share('measurements')
    const clone = await room.dat(['clone', link], { cwd: room.path('elsewhere') }).exits(0)
    expect((await clone.waitFor('done')).dir).toBe(room.path('elsewhere', 'measurements'))
    expect(await readFile(room.path('elsewhere', 'measurements', 'a'), 'utf8')).toBe('a')
  })

  it('shares a single file', async () => {
    await writeFile(room.path('one.bin'), randomBytes(1_500_000))
    await writeFile(room.path('other.bin'), 'not shared')
    const { link } = await room.share(room.path('one.bin'))
    const done = await (await room.dat(['clone', link, 'copy']).exits(0)).waitFor('done')
    expect(done).toMatchObject({ files: 1, bytes: 1_500_000 })
    expect(Object.keys(await describeTree(room.path('copy')))).toEqual(['one.bin'])
    expect((await readFile(room.path('copy', 'one.bin'))).equals(await readFile(room.path('one.bin')))).toBe(true)
  })

  it('ends with --once as soon as one peer has everything', async () => {
    await writeTree(room.path('source'), PLAIN_TREE)
    const { share, link } = await room.share('source', ['--once'])
    await room.dat(['clone', link, 'copy']).exits(0)
    await share.exits(0)
  })

  it('knows the shortcuts of the original', async () => {
    await writeTree(room.path('source'), { a: 'a' })
    const share = room.dat(['source'])
    const { link } = await share.waitFor('link')
    await room.dat([String(link), 'copy']).exits(0)
    expect(await readFile(room.path('copy', 'a'), 'utf8')).toBe('a')
  })

  it('serves two clones at once, and a clone serves the next one when the source is gone', async () => {
    await writeTree(room.path('source'), PLAIN_TREE)
    const { share, link } = await room.share('source')
    const clones = [room.dat(['clone', link, 'first']), room.dat(['clone', link, 'second'])]
    await Promise.all(clones.map((clone) => clone.exits(0)))
    await share.stop()
    const again = room.dat(['share', 'first'])
    expect((await again.waitFor('link')).link).toBe(link)
    await room.dat(['clone', link, 'third']).exits(0)
    const expected = await describeTree(room.path('source'))
    for (const copy of ['first', 'second', 'third']) expect(await describeTree(room.path(copy))).toEqual(expected)
  })
})

describe('what a copy keeps', () => {
  it('empty files and folders, the executable bit, times and symbolic links', async () => {
    const modified = new Date('2019-05-06T07:08:09.123Z')
    const { copy } = await shareAndClone({
      empty: '',
      'folder/empty.csv': '',
      'nothing/at/all': { folder: true },
      'run.sh': { content: '#!/bin/sh\n', executable: true },
      'old.txt': { content: 'old', modified },
      'link to a file': { link: 'old.txt' },
      'link to nothing': { link: 'nowhere/at all' },
      'folder/link': { link: '../run.sh' }
    })
    const kept = (await stat(join(copy, 'old.txt'))).mtimeMs
    expect(Math.abs(kept - modified.getTime())).toBeLessThan(1)
    expect((await stat(join(copy, 'run.sh'))).mode & 0o111).not.toBe(0)
    expect((await stat(join(copy, 'old.txt'))).mode & 0o111).toBe(0)
  })

  it('names of every kind', async () => {
    const names = [
      'caf\u00e9 NFC.txt',
      'cafe\u0301 NFD.txt',
      'caf\u00e9',
      'cafe\u0301',
      'new\nline.txt',
      'esc\x1b[31m\x07.txt',
      'bidi \u202etxt.exe',
      '  spaces  ',
      '-rf',
      '--json',
      '...',
      '~tilde',
      '#hash',
      '!bang',
      '*glob?[x]{y}',
      'back\\slash',
      'quotes"\'`$(id)',
      'percent%2F..%2F',
      'a:b|c<d>',
      'con.txt',
      '日本語.csv',
      '🧬.fasta',
      `${'x'.repeat(251)}.txt`,
      `${'ü'.repeat(127)}z`
    ]
    const tree: Record<string, Sample> = {}
    for (const name of names) tree[`in a folder/${name}`] = tree[name] = `content of ${name}`
    const { clone } = await shareAndClone(tree)
    // JSON is exact, yet nothing in it can change a terminal.
    expect(clone.stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
  })

  it('a hundred levels and two thousand files', async () => {
    const tree: Record<string, Sample> = { [`${'d/'.repeat(100)}deep`]: 'deep' }
    for (let i = 0; i < 2000; i++) tree[`many/${i % 50}/${i}.txt`] = `${i}`
    const { clone } = await shareAndClone(tree)
    expect(await clone.waitFor('done')).toMatchObject({ files: 2001 })
  })
})

describe('once more', () => {
  it('a second share of the same folder reads nothing and has the same link', async () => {
    await writeTree(room.path('source'), PLAIN_TREE)
    const first = await room.share('source')
    const { version } = await first.share.waitFor('import.done')
    await first.share.stop()
    const second = await room.share('source')
    expect(second.link).toBe(first.link)
    expect(await second.share.waitFor('import.done')).toMatchObject({ added: 0, changed: 0, removed: 0, version })
  })

  it('a second clone downloads nothing', async () => {
    const { link } = await shareAndClone(PLAIN_TREE)
    const again = await room.dat(['clone', link, 'copy']).exits(0)
    expect(await again.waitFor('done')).toMatchObject({ downloadedBytes: 0, files: 5 })
  })

  it('a share that moved to another place keeps its link', async () => {
    await writeTree(room.path('source'), PLAIN_TREE)
    const first = await room.share('source')
    await first.share.waitFor('import.done')
    await first.share.stop()
    await rename(room.path('source'), room.path('moved'))
    const second = await room.share('moved')
    expect(second.link).toBe(first.link)
    await second.share.waitFor('import.done')
    await room.dat(['clone', second.link, 'copy']).exits(0)
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('moved')))
  })

  it('a clone that was killed goes on where it was', async () => {
    const tree: Record<string, Sample> = {}
    for (let i = 0; i < 4; i++) tree[`big${i}.bin`] = randomBytes(48 * 1024 * 1024)
    await writeTree(room.path('source'), tree)
    const { share, link } = await room.share('source')
    await share.waitFor('import.done')
    const first = room.dat(['clone', link, 'copy'])
    const total = 4 * 48 * 1024 * 1024
    await first.waitFor(
      'download.progress',
      (event) => Number(event.bytesDone) > total / 8 && Number(event.bytesDone) < total
    )
    first.kill('SIGKILL')
    await first.exit
    for (const name of Object.keys(tree)) {
      // Half a file is never seen under its real name.
      const there = await lstat(room.path('copy', name)).catch(() => null)
      if (there) expect(there.size).toBe(48 * 1024 * 1024)
    }
    const second = await room.dat(['clone', link, 'copy']).exits(0)
    const done = await second.waitFor('done')
    const resumed = Number(second.all('download.progress').at(-1)?.resumedBytes)
    expect(resumed).toBeGreaterThan(0)
    expect(Number(done.downloadedBytes)).toBeLessThan(total)
    expect(resumed + Number(done.downloadedBytes)).toBe(total)
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
  })

  it('a clone that starts before its source waits for it, and goes on when the source comes back', async () => {
    await writeTree(room.path('source'), { 'a.bin': randomBytes(20_000_000) })
    const first = await room.share('source')
    await first.share.waitFor('import.done')
    await first.share.stop()
    const clone = room.dat(['clone', first.link, 'copy', '--timeout', '0'])
    await clone.waitFor('network.ready')
    await room.share('source')
    await clone.exits(0)
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
  })
})

describe('choosing', () => {
  it('--include, --exclude and --dry-run', async () => {
    await writeTree(room.path('source'), { 'a.csv': 'a', 'b.txt': 'b', 'data/c.csv': 'c', 'data/d.txt': 'd' })
    const { link } = await room.share('source')
    const dry = await room.dat(['clone', link, 'dry', '--dry-run']).exits(0)
    await expect(lstat(room.path('dry', 'a.csv'))).rejects.toThrow('ENOENT')
    const planned = dry.all('file.planned').map(({ path, action }) => `${action} ${path}`)
    expect(planned.sort()).toEqual(['get a.csv', 'get b.txt', 'get data/c.csv', 'get data/d.txt'])
    await room.dat(['clone', link, 'csv', '--include', '**/*.csv']).exits(0)
    expect(Object.keys(await describeTree(room.path('csv')))).toEqual(['a.csv', 'data/c.csv'])
    await room.dat(['clone', link, 'rest', '--exclude', 'data/**']).exits(0)
    expect(Object.keys(await describeTree(room.path('rest')))).toEqual(['a.csv', 'b.txt'])
  })

  it('--ignore, .datignore and --no-ignore', async () => {
    await writeTree(room.path('source'), { 'a.csv': 'a', 'b.tmp': 'b', 'c.log': 'c', '.datignore': '*.tmp\n' })
    const { share, link } = await room.share('source', ['--ignore', '*.log'])
    await share.waitFor('import.done')
    await room.dat(['clone', link, 'some']).exits(0)
    expect(Object.keys(await describeTree(room.path('some')))).not.toContain('b.tmp')
    expect(Object.keys(await describeTree(room.path('some')))).not.toContain('c.log')
    await share.stop()
    await rm(room.path('source', '.dat'), { recursive: true })
    const everything = await room.share('source', ['--no-ignore'])
    await everything.share.waitFor('import.done')
    await room.dat(['clone', everything.link, 'all']).exits(0)
    expect(Object.keys(await describeTree(room.path('all')))).toEqual(['.datignore', 'a.csv', 'b.tmp', 'c.log'])
  })

  it('--store keeps the index outside the folder', async () => {
    await writeTree(room.path('source'), { a: 'a' })
    const { link } = await room.share('source', ['--store', 'index'])
    await room.dat(['clone', link, 'copy', '--store', 'index of the copy']).exits(0)
    await expect(lstat(room.path('source', '.dat'))).rejects.toThrow('ENOENT')
    // Half downloaded files stay with the files: they have to be on the same disk.
    await expect(lstat(room.path('copy', '.dat', 'index'))).rejects.toThrow('ENOENT')
    expect((await lstat(room.path('index'))).isDirectory()).toBe(true)
    expect((await lstat(room.path('index of the copy'))).isDirectory()).toBe(true)
  })
})
