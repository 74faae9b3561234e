import { describe, expect, it } from 'vitest'
import { compareBytes } from '../../../src/core/walk.js'
import { LARGE_BYTES } from '../../../src/storage/file-index.js'
import { decodeRecord, encodeRecord, sameRange } from '../../../src/storage/file-record.js'
import { collect, fileRecord, openIndex, putAll, rangeOf } from '../../helpers/core-storage.js'

const MIB = 1024 * 1024
const NAMES = [
  'a',
  'a ',
  'a!',
  'a-b',
  'a.txt',
  'a/',
  'a/b',
  'a/b/c',
  'a/\u{1f600}',
  'a0',
  'aa',
  'A',
  'é',
  'e\u0301',
  'z',
  '\ud7ff',
  '\ue000',
  '\ufb01',
  '\ufffd',
  '\u{10000}',
  '\u{1f600}',
  '\u{1f600}/x',
  '\u{10ffff}'
]
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

describe('records', () => {
  it('come in the order of the bytes of their paths, as the walk has it', async () => {
    const index = await openIndex()
    await putAll(
      index,
      [...NAMES].reverse().map((name) => fileRecord(name, null))
    )
    const paths = (await collect(index.records())).map(({ path }) => path)
    expect(paths).toEqual([...NAMES].sort(byBytes))
    expect(paths).toEqual([...NAMES].sort(compareBytes))
  })

  it('of a folder are those below it and none beside it', async () => {
    const index = await openIndex()
    await putAll(
      index,
      NAMES.map((name) => fileRecord(name, null))
    )
    const below = async (folder: string) => (await collect(index.records(folder))).map(({ path }) => path)
    expect(await below('a/')).toEqual(['a/', 'a/b', 'a/b/c', 'a/\u{1f600}'])
    expect(await below('a/b/')).toEqual(['a/b/c'])
    expect(await below('\u{1f600}/')).toEqual(['\u{1f600}/x'])
    expect(await below('nowhere/')).toEqual([])
  })

  it('can be left in the middle', async () => {
    const index = await openIndex()
    await putAll(index, [fileRecord('a', null), fileRecord('b', null)])
    for await (const { path } of index.records()) {
      expect(path).toBe('a')
      break
    }
  })

  it('keep everything', async () => {
    const full = fileRecord('x', 5, { size: 3 * MIB + 1, executable: true, racy: true, state: 'indexing' })
    const link = fileRecord('y', null, { kind: 'link', target: '../\u{1f600}"\n', state: 'partial' })
    for (const record of [full, link]) expect(decodeRecord(record.path, encodeRecord(record))).toEqual(record)
    const index = await openIndex()
    await putAll(index, [full, link])
    expect(await index.get('x')).toEqual(full)
    expect(await index.get('z')).toBeNull()
    expect(await index.getMany(['y', 'z', 'x'])).toEqual([link, null, full])
    expect(await index.getMany([])).toEqual([])
  })

  it('tell ranges apart', () => {
    expect(sameRange(null, null)).toBe(true)
    expect(sameRange(rangeOf(1, 10), null)).toBe(false)
    expect(sameRange(rangeOf(1, 10), rangeOf(1, 10))).toBe(true)
    expect(sameRange(rangeOf(1, 10), rangeOf(1, 11))).toBe(false)
    expect(sameRange(rangeOf(1, 10), rangeOf(2, 10))).toBe(false)
  })
})

describe('rangesFrom', () => {
  it('begins with the file that may hold the block', async () => {
    const index = await openIndex()
    expect(await index.rangesFrom(0, 10)).toEqual([])
    const big = 2 ** 33
    await putAll(index, [
      fileRecord('b', 10, { size: 5 * MIB }),
      fileRecord('twin/b', 10, { size: 5 * MIB }),
      fileRecord('c', 15),
      fileRecord('far', big),
      fileRecord('empty', null)
    ])
    const from = async (block: number, limit = 10) =>
      (await index.rangesFrom(block, limit)).map(({ blockOffset, path }) => `${blockOffset} ${path}`)
    const all = ['10 b', '10 twin/b', '15 c', `${big} far`]
    expect(await from(0)).toEqual(all)
    expect(await from(9)).toEqual(all)
    expect(await from(10)).toEqual(all)
    expect(await from(14)).toEqual(all)
    expect(await from(15)).toEqual(all.slice(2))
    expect(await from(16)).toEqual(all.slice(2))
    expect(await from(big - 1)).toEqual(all.slice(2))
    expect(await from(big)).toEqual(all.slice(3))
    expect(await from(big * 2)).toEqual(all.slice(3))
    expect(await from(12, 2)).toEqual(all.slice(0, 2))
    expect(await from(12, 1)).toEqual(all.slice(0, 1))
  })
})

describe('a batch', () => {
  it('shows only once it was flushed, all of it', async () => {
    const index = await openIndex()
    const told: string[] = []
    index.onchange = ({ path, state }) => told.push(`${path} ${state}`)
    const batch = index.batch()
    batch.put(fileRecord('a', 1), null)
    batch.put(fileRecord('b', 2), null)
    expect(await index.get('a')).toBeNull()
    expect(told).toEqual([])
    await batch.flush()
    expect(await index.getMany(['a', 'b'])).not.toContain(null)
    expect(told).toEqual(['a done', 'b done'])
  })

  it('replaces and removes: no block keeps an owner that it lost', async () => {
    const index = await openIndex()
    const before = fileRecord('a', 1)
    const after = fileRecord('a', 9)
    await putAll(index, [before])
    const told: (number | undefined)[] = []
    index.onchange = ({ range }) => told.push(range?.blockOffset)
    const replace = index.batch()
    replace.put(after, before)
    await replace.flush()
    expect(told).toEqual([1, 9])
    expect(await index.rangesFrom(0, 10)).toEqual([{ blockOffset: 9, path: 'a' }])
    const remove = index.batch()
    remove.remove(after)
    await remove.flush()
    expect(told).toEqual([1, 9, 9])
    expect(await index.rangesFrom(0, 10)).toEqual([])
    expect(await index.get('a')).toBeNull()
  })

  it('puts the same path again in one batch, the last one counts', async () => {
    const index = await openIndex()
    const batch = index.batch()
    batch.put(fileRecord('a', 1, { state: 'partial' }), null)
    batch.put(fileRecord('a', 1), fileRecord('a', 1, { state: 'partial' }))
    await batch.flush()
    expect(await index.get('a')).toMatchObject({ state: 'done' })
    expect(await index.rangesFrom(0, 10)).toEqual([{ blockOffset: 1, path: 'a' }])
  })

  it('that is given up leaves nothing and holds nothing open', async () => {
    const index = await openIndex()
    index.batch().put(fileRecord('a', 1), null)
    await index.batch().flush()
    expect(await index.get('a')).toBeNull()
  })

  it('keeps settings', async () => {
    const index = await openIndex()
    expect(await index.getMeta('name')).toBeNull()
    const batch = index.batch()
    batch.putMeta('name', { a: [1, 'é'] })
    batch.putMeta('gone', null)
    await batch.flush()
    expect(await index.getMeta('name')).toEqual({ a: [1, 'é'] })
    expect(await index.getMeta('gone')).toBeNull()
    expect(await collect(index.records())).toEqual([])
  })
})

describe('content', () => {
  it('is found by its hash', async () => {
    const index = await openIndex()
    const hash = Buffer.alloc(32, 1)
    expect(await index.rangeOfContent(hash)).toBeNull()
    const batch = index.batch()
    batch.putContent(hash, rangeOf(4, 2 * MIB))
    batch.putContent(Buffer.alloc(32, 2), rangeOf(9, LARGE_BYTES))
    await batch.flush()
    expect(await index.rangeOfContent(hash)).toEqual(rangeOf(4, 2 * MIB))
    expect(await index.rangeOfContent(Buffer.alloc(32, 3))).toBeNull()
    expect(await index.hasLargeSize(2 * MIB)).toBe(false)
    expect(await index.hasLargeSize(LARGE_BYTES)).toBe(true)
    expect(await index.hasLargeSize(LARGE_BYTES + 1)).toBe(false)
  })

  it('that moved is found by its inode, from one mebibyte on', async () => {
    const index = await openIndex()
    const large = fileRecord('old', 1, { size: MIB, inode: 2 ** 53 - 1 })
    const small = fileRecord('small', 2, { size: MIB - 1, inode: 5 })
    const partial = fileRecord('partial', 3, { size: MIB, inode: 6, state: 'partial' })
    await putAll(index, [large, small, partial])
    expect(await index.findMoved(large)).toEqual(large)
    expect(await index.findMoved({ ...large, mtime: large.mtime + 0.001 })).toBeNull()
    expect(await index.findMoved({ ...large, size: MIB + 1 })).toBeNull()
    expect(await index.findMoved(small)).toBeNull()
    expect(await index.findMoved(partial)).toBeNull()
  })

  it.each(['the new name first', 'the old name first'])(
    'that moved is found again under its new name: %s',
    async (how) => {
      const index = await openIndex()
      const old = fileRecord('old', 1, { size: MIB })
      const moved = { ...old, path: 'new' }
      await putAll(index, [old])
      for (const step of how.startsWith('the new') ? ['put', 'remove'] : ['remove', 'put']) {
        const batch = index.batch()
        if (step === 'put') batch.put(moved, null)
        else batch.remove(old)
        await batch.flush()
      }
      expect(await index.findMoved(old)).toEqual(moved)
      expect(await index.rangesFrom(1, 10)).toEqual([{ blockOffset: 1, path: 'new' }])
    }
  )
})
