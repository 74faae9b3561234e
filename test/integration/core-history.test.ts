import { randomBytes } from 'node:crypto'
import { appendFile, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type * as diffs from '../../src/core/diff.js'
import type * as logs from '../../src/core/log.js'
import type * as prunes from '../../src/core/prune.js'
import type * as restores from '../../src/core/restore.js'
import { ALONE, built, TestSession, temporaryFolder } from '../helpers/core.js'
import { describeTree, writeTree } from '../helpers/trees.js'

const MIB = 1024 * 1024
let source: string
let copy: string
beforeEach(async () => {
  source = join(await temporaryFolder(), 'source')
  copy = join(await temporaryFolder(), 'copy')
})

const HISTORY = { history: 'all' }
const common = () => ({ store: null, network: ALONE, report: () => {}, signal: new AbortController().signal })

/** Shares, and says which version that made. */
async function sharedOnce(options: Parameters<typeof TestSession.share>[1] = HISTORY): Promise<number> {
  const owner = await TestSession.share(source, options)
  const { version } = await owner.event('import.done')
  await owner.close()
  return version
}

async function restored(path: string, version: number, more = {}): Promise<{ files: number; bytes: number }> {
  const { restore } = await built<typeof restores>('core/restore')
  return restore({
    ...common(),
    ...{ dir: source, path, version, force: false, timeout: 10, onrestored: () => {} },
    ...more
  })
}

/** Three versions of a tree: the first, one with every kind of change, and a last one. */
async function threeVersions() {
  const big = randomBytes(3 * MIB)
  await writeTree(source, { a: 'first', big, 'dir/gone': 'to be removed', 'dir/moved': 'moved' })
  const first = await sharedOnce()
  const then = await describeTree(source)
  await writeFile(join(source, 'a'), 'second')
  await appendFile(join(source, 'big'), 'more')
  await rm(join(source, 'dir/gone'))
  await rename(join(source, 'dir/moved'), join(source, 'dir/here'))
  const second = await sharedOnce()
  await writeFile(join(source, 'a'), 'third')
  const third = await sharedOnce()
  return { big, first, second, third, then }
}

describe('a share that keeps its history', () => {
  test('gives a clone the older version that it asks for, all of it, and to the byte', async () => {
    const { first, then } = await threeVersions()
    const owner = await TestSession.share(source)
    const clone = await TestSession.clone(owner.link, copy, { version: first })
    expect(await clone.done()).toMatchObject({ version: first, files: 4 })
    await clone.close()
    expect(await describeTree(copy)).toEqual(then)

    const still = await TestSession.pull(copy, owner.link)
    expect(await still.done()).toMatchObject({ version: first, downloadedBytes: 0 })
    await still.close()
    const newest = await TestSession.pull(copy, owner.link, { version: null })
    await newest.done()
    await newest.close()
    expect(await describeTree(copy)).toEqual(await describeTree(source))
    await owner.close()
  })

  test('brings back what was overwritten, removed or moved, while it runs, and loses nothing by it', async () => {
    const { big, first, second } = await threeVersions()
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    expect(await restored('dir/gone', first)).toEqual({ files: 1, bytes: 13 })
    expect(await restored('big', first)).toMatchObject({ bytes: 3 * MIB })
    expect(await restored('a', second)).toMatchObject({ files: 1 })
    expect(await readFile(join(source, 'dir/gone'), 'utf8')).toBe('to be removed')
    expect((await readFile(join(source, 'big'))).equals(big)).toBe(true)
    expect(await readFile(join(source, 'a'), 'utf8')).toBe('second')
    await owner.close()
  })

  test('does not overwrite what it does not keep, unless it is told to', async () => {
    const { first } = await threeVersions()
    await writeFile(join(source, 'a'), 'not shared yet')
    const why = await restored('a', first).catch((error) => error)
    expect(why).toMatchObject({ code: 'PARTIAL', failures: [{ path: 'a' }] })
    expect(await readFile(join(source, 'a'), 'utf8')).toBe('not shared yet')
    await restored('a', first, { force: true })
    expect(await readFile(join(source, 'a'), 'utf8')).toBe('first')
  })

  test('gives every version that the log has a number for', async () => {
    const { first } = await threeVersions()
    const { readLog } = await built<typeof logs>('core/log')
    const target = { dir: source }
    const versions = []
    for await (const change of readLog({ ...common(), target, path: 'a', timeout: 5 })) versions.push(change.version)
    expect(versions).toHaveLength(3)
    expect(versions[0]).toBeLessThan(first)
    const contents = []
    for (const version of versions) {
      await restored('a', version, { force: true })
      contents.push(await readFile(join(source, 'a'), 'utf8'))
    }
    expect(contents).toEqual(['first', 'second', 'third'])
  })

  test('restores a whole folder, and says when a path was not in a version', async () => {
    const { first, third } = await threeVersions()
    expect(await restored('dir', first)).toMatchObject({ files: 2 })
    await expect(restored('dir/gone', third)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(restored('a', third + 100)).rejects.toMatchObject({ code: 'NO_VERSION' })
  })

  test('says what is different between two versions', async () => {
    const { first, second } = await threeVersions()
    const { diffVersions } = await built<typeof diffs>('core/diff')
    const found = []
    for await (const one of diffVersions({
      ...common(),
      target: { dir: source },
      from: first,
      version: second,
      timeout: 5
    }))
      found.push(`${one.op} ${one.path} ${one.before} ${one.after}`)
    expect(found).toEqual([
      'changed a 5 6',
      `changed big ${3 * MIB} ${3 * MIB + 4}`,
      'removed dir/gone 13 null',
      'added dir/here null 5',
      'removed dir/moved 5 null'
    ])
  })

  test('a clone restores an older version of a file from it', async () => {
    const { first } = await threeVersions()
    const owner = await TestSession.share(source)
    const clone = await TestSession.clone(owner.link, copy)
    await clone.done()
    await clone.close()
    const network = { ...ALONE, peers: [owner.link.replace(/^.*@/, '')] }
    await restored('a', first, { dir: copy, network })
    await restored('dir/gone', first, { dir: copy, network })
    expect(await readFile(join(copy, 'a'), 'utf8')).toBe('first')
    expect(await readFile(join(copy, 'dir/gone'), 'utf8')).toBe('to be removed')
    await owner.close()
  })

  test('a clone restores what is here all the same while nobody is online, and says so of what is not', async () => {
    const { first } = await threeVersions()
    const owner = await TestSession.share(source)
    const clone = await TestSession.clone(owner.link, copy)
    await clone.done()
    await clone.close()
    await owner.close()
    const alone = { dir: copy, timeout: 0.5 }
    // It has another name now.
    expect(await restored('dir/moved', first, alone)).toEqual({ files: 1, bytes: 5 })
    expect(await readFile(join(copy, 'dir/moved'), 'utf8')).toBe('moved')
    await expect(restored('dir/gone', first, alone)).rejects.toMatchObject({ code: 'NO_PEER' })
  })

  test('frees what is not to be kept, and tells clones what there still is', async () => {
    const { first, second } = await threeVersions()
    const { pruneShare } = await built<typeof prunes>('core/prune')
    const pruned = await pruneShare({ ...common(), dir: source, keep: '2' })
    // `first` and `gone` and the first `big`: what the second version has too stays.
    expect(pruned).toMatchObject({ contents: 3, bytes: 5 + 13 + 3 * MIB })
    const owner = await TestSession.share(source)
    const clone = await TestSession.clone(owner.link, copy, { version: first })
    const failure = await clone.failure()
    expect(failure).toMatchObject({ code: 'PARTIAL', hint: expect.stringContaining(`from version ${pruned.from} on`) })
    await clone.close()
    const other = `${copy}2`
    const newer = await TestSession.clone(owner.link, other, { version: second })
    expect(await newer.done()).toMatchObject({ version: second, files: 3 })
    expect(await readFile(join(other, 'a'), 'utf8')).toBe('second')
    await newer.close()
    await owner.close()
  })
})

describe('a share without history', () => {
  test('says that older versions are gone, and gives what is still there', async () => {
    await writeTree(source, { a: 'first', b: 'same' })
    const first = await sharedOnce({})
    await writeFile(join(source, 'a'), 'second')
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const clone = await TestSession.clone(owner.link, copy, { version: first })
    expect(await clone.failure()).toMatchObject({
      code: 'PARTIAL',
      failures: [{ path: 'a' }],
      hint: expect.stringContaining('dat share --history')
    })
    expect(await readFile(join(copy, 'b'), 'utf8')).toBe('same')
    await clone.close()
    await owner.close()
  })
})
