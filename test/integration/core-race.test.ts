import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { IgnoreRules } from '../../src/core/ignore.js'
import { QUIETLY, walk } from '../../src/core/walk.js'
import { type FileRecord, fingerprintOf } from '../../src/storage/file-record.js'
import { BLOCK_SIZE } from '../../src/storage/layout.js'
import { built, TestSession, temporaryFolder } from '../helpers/core.js'
import { fileRecord, openWorkers, rangeOf } from '../helpers/core-storage.js'
import { swap } from '../helpers/swapper.js'
import { writeTree } from '../helpers/trees.js'

// Somebody else on this computer may write into the folder, as in a project folder that many share, and puts links
// where folders were: dat runs as another user, who may read and write where he may not.

const { Destination } = await built<typeof import('../../src/core/destination.js')>('core/destination')
const { FileReader } = await built<typeof import('../../src/storage/file-reader.js')>('storage/file-reader')

let source: string
let copy: string
let victim: string
beforeEach(async () => {
  const room = await temporaryFolder()
  source = join(room, 'source')
  copy = join(room, 'copy')
  victim = join(room, 'victim')
  await mkdir(victim)
})

/** What a folder has: names, contents, times, modes and identities. */
async function stateOf(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).sort()
  return Promise.all(
    names.map(async (name) => {
      const { mtimeMs, mode, ino } = await lstat(join(folder, name))
      const content = await readFile(join(folder, name), 'hex').catch(() => 'a folder')
      return [name, mtimeMs, mode, ino, content].join(' ')
    })
  )
}

const names = (count: number, prefix = 'f') => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const tree = (paths: readonly string[]) => Object.fromEntries(paths.map((path) => [path, `of ${path}`]))

test('a clone never writes through a link that is put in the place of a folder', async () => {
  await writeTree(source, tree(names(400, 'x/f')))
  await writeTree(source, { 'x/large': randomBytes(3_000_000), 'x/link': { link: 'f1' }, 'x/sub/a': 'a' })
  await writeTree(victim, tree(names(100)))
  const before = await stateOf(victim)
  const owner = await TestSession.share(source)
  await owner.event('import.done')
  const clone = await TestSession.clone(owner.link, copy)
  await clone.event('file.done')
  const swapper = await swap(join(copy, 'x'), victim)
  // What met the link is named.
  await clone.done().catch((error) => expect(error).toMatchObject({ code: 'PARTIAL' }))
  await swapper.stop()
  expect(await stateOf(victim)).toEqual(before)
})

test('no change in a clone goes through a link that is put in the place of a folder', async () => {
  await writeTree(copy, tree(names(200, 'x/y/f')))
  await writeTree(victim, { ...tree(names(200, 'y/f')), 'y/empty/deep/': { folder: true } })
  await mkdir(join(copy, 'x/y/empty/deep'), { recursive: true })
  const before = [await stateOf(victim), await stateOf(join(victim, 'y'))]
  const destination = new Destination(copy, await openWorkers())
  const swapper = await swap(join(copy, 'x'), victim)
  const how = { mtime: 1e12, executable: true }
  const temporary = (i: number) => ({ root: copy, path: `.dat/new-${i}` })
  const changes: Record<string, (i: number) => Promise<unknown>> = {
    create: (i) => destination.create(`x/y/new${i}`, null, temporary(i), how, null, true),
    replace: (i) => destination.create(`x/y/f${i}`, null, temporary(i), how, null, true),
    copy: (i) => destination.create(`copy${i}`, `x/y/f${i}`, temporary(i), how, null, true),
    move: (i) => destination.place(destination.at(`x/y/f${i}`), `moved${i}`, how, null, true),
    link: (i) => destination.link(`x/y/link${i}`, '/', null, true),
    relink: (i) => destination.link(`x/y/f${i}`, '/', null, true),
    redress: (i) => destination.redress(`x/y/f${i}`, how),
    'make a folder': (i) => destination.makeFolder(`x/y/folder${i}/deep`),
    remove: (i) => destination.remove(`x/y/f${i}`, null),
    'remove a folder': () => destination.removeFolder('x/y/empty/deep')
  }
  let [done, refused] = [0, 0]
  for (let i = 0; i < 200; i++) {
    const results = await Promise.allSettled(Object.values(changes).map((change) => change(i)))
    done += results.filter(({ status }) => status === 'fulfilled').length
    refused += results.filter(({ status }) => status === 'rejected').length
  }
  await swapper.stop()
  expect([await stateOf(victim), await stateOf(join(victim, 'y'))]).toEqual(before)
  // Both happened, or nothing was proved.
  expect(Math.min(done, refused, swapper.rounds)).toBeGreaterThan(10)
  for (const name of (await readdir(copy)).filter((name) => /^(copy|moved)/.test(name))) {
    expect(await readFile(join(copy, name), 'utf8')).toMatch(/^(of x\/|$)/)
  }
})

test('a share never lists what is behind a link that is put in the place of a folder', async () => {
  await writeTree(source, { ...tree(names(20, 'x/f')), 'x/y/z': 'z' })
  await writeTree(victim, { ...tree(names(20, 'secret')), 'y/secret': 'secret' })
  const workers = await openWorkers()
  const swapper = await swap(join(source, 'x'), victim)
  const seen = new Set<string>()
  while (swapper.rounds < 600 || !seen.has('x/f1')) {
    const rules = IgnoreRules.root([], true)
    for await (const found of walk({ root: source, folder: '', rules, workers, ...QUIETLY })) seen.add(found.path)
  }
  await swapper.stop()
  expect([...seen].filter((path) => path.includes('secret'))).toEqual([])
})

test('a share never reads through a link that is put in the place of a folder', async () => {
  const size = 2 * BLOCK_SIZE
  const old = new Date('2020-01-01T00:00:00Z')
  const file = (content: Buffer | string) => ({ content, modified: old })
  await writeTree(source, { 'x/small': file('ours'), 'x/large': file(Buffer.alloc(size, 'o')) })
  // Of the same sizes and times: nothing but the way to them tells.
  await writeTree(victim, { small: file('SECR'), large: file(Buffer.alloc(size, 'S')) })
  const workers = await openWorkers()
  const recordOf = async (path: string, block: number): Promise<FileRecord> => {
    const print = fingerprintOf(await lstat(join(source, path)))
    return { ...fileRecord(path, block, { range: rangeOf(block, print.size) }), ...print }
  }
  const small = await recordOf('x/small', 0)
  const large = await recordOf('x/large', 1)
  const swapper = await swap(join(source, 'x'), victim)
  const got = { ours: 0, none: 0 }
  while (swapper.rounds < 200 || got.ours === 0 || got.none === 0) {
    const reader = new FileReader(workers)
    for (const [record, block] of [
      [small, 0],
      [large, 1],
      [large, 2]
    ] as const) {
      const at = { root: source, path: record.path }
      const result = await reader.read(at, record, BLOCK_SIZE, block, true)
      if ('data' in result) expect(result.data[0]).toBe('o'.charCodeAt(0))
      got['data' in result ? 'ours' : 'none']++
    }
    const at = { root: source, path: small.path }
    const hashed = await workers.hash([{ file: at, start: 0, length: 4, blockSize: BLOCK_SIZE }])
    if (hashed[0] && 'hashes' in hashed[0]) expect(hashed[0].inode).toBe(small.inode)
    await reader.close()
  }
  await swapper.stop()
})

test('a clone never writes partial files through a link that is put in the place of its folder', async () => {
  const partial = join(copy, '.dat', 'partial')
  await mkdir(partial, { recursive: true })
  await writeFile(join(victim, 'new-1'), 'precious')
  await writeFile(join(victim, '0-3'), 'precious')
  const before = await stateOf(victim)
  const { PartialFiles } = await built<typeof import('../../src/storage/partial-files.js')>('storage/partial-files')
  const workers = await openWorkers()
  const swapper = await swap(partial, victim)
  let written = 0
  while (swapper.rounds < 200 || written < 10) {
    const partials = new PartialFiles({ root: copy, path: '.dat/partial' }, workers)
    const work = [
      partials.write(rangeOf(0, 3), Buffer.from('pwn'), 0),
      partials.write(rangeOf(1, 2 * BLOCK_SIZE), Buffer.from('pwn'), 0)
    ]
    for (const { status } of await Promise.allSettled(work)) if (status === 'fulfilled') written++
    await Promise.allSettled([partials.clean(), partials.remove(rangeOf(0, 3))])
    await partials.close()
  }
  await swapper.stop()
  expect(await stateOf(victim)).toEqual(before)
})
