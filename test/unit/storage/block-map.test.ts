import { describe, expect, it } from 'vitest'
import { BlockMap } from '../../../src/storage/block-map.js'
import type { FileRecord } from '../../../src/storage/file-record.js'
import { fileRecord, openIndex, putAll } from '../../helpers/core-storage.js'

const MIB = 1024 * 1024

async function openMap(records: readonly FileRecord[]) {
  const index = await openIndex()
  await putAll(index, records)
  const map = new BlockMap(index)
  const owners = async (block: number) => (await map.owners(block)).map(({ path }) => path)
  return { index, owners }
}

/** Files of 1, 2 and 3 blocks in turn, without a gap. */
function neighbours(count: number): FileRecord[] {
  let block = 0
  return Array.from({ length: count }, (_, i) => {
    const blocks = 1 + (i % 3)
    const record = fileRecord(`f${String(i).padStart(5, '0')}`, block, { size: blocks * MIB })
    block += blocks
    return record
  })
}

const ownerOf = (records: readonly FileRecord[], block: number) =>
  records
    .filter(({ range }) => range && block >= range.blockOffset && block < range.blockOffset + range.blockLength)
    .map(({ path }) => path)

describe('the owners of a block', () => {
  it.each([1, 127, 128, 129, 300])('are right for each block of %i files, in order and against it', async (count) => {
    const records = neighbours(count)
    const { owners } = await openMap(records)
    const blocks = records.reduce((sum, { range }) => sum + (range?.blockLength ?? 0), 0)
    for (let block = 0; block < blocks; block++) expect(await owners(block)).toEqual(ownerOf(records, block))
    const again = await openMap(records)
    for (let block = blocks - 1; block >= 0; block -= 7) {
      expect(await again.owners(block)).toEqual(ownerOf(records, block))
    }
    expect(await owners(blocks)).toEqual([])
    expect(await owners(2 ** 40)).toEqual([])
  })

  it('are right for more windows than are kept', async () => {
    const records = neighbours(128 * 70)
    const { owners } = await openMap(records)
    for (let round = 0; round < 2; round++) {
      for (let i = 5; i < records.length; i += 128) {
        expect(await owners(records[i]?.range?.blockOffset ?? -1)).toEqual([records[i]?.path])
      }
    }
  })

  it('are all the twins', async () => {
    const { owners } = await openMap([
      fileRecord('before', 0),
      fileRecord('z', 1, { size: 3 * MIB }),
      fileRecord('a', 1, { size: 3 * MIB }),
      fileRecord('m/b', 1, { size: 3 * MIB }),
      fileRecord('after', 4)
    ])
    for (const block of [1, 2, 3]) expect(await owners(block)).toEqual(['a', 'm/b', 'z'])
    expect(await owners(0)).toEqual(['before'])
    expect(await owners(4)).toEqual(['after'])
  })

  it.each([126, 127, 128])('are all the twins at the edge of a window: from %i on', async (edge) => {
    const records = neighbours(edge)
    const block = records.reduce((sum, { range }) => sum + (range?.blockLength ?? 0), 0)
    const twins = ['t1', 't2', 't3'].map((path) => fileRecord(path, block, { size: 2 * MIB }))
    const { owners } = await openMap([...records, ...twins, fileRecord('after', block + 2)])
    expect(await owners(0)).toEqual([records[0]?.path])
    expect(await owners(block - 1)).toEqual([records.at(-1)?.path])
    expect(await owners(block)).toEqual(['t1', 't2', 't3'])
    expect(await owners(block + 1)).toEqual(['t1', 't2', 't3'])
    expect(await owners(block + 2)).toEqual(['after'])
  })

  it('are none in a gap', async () => {
    const { owners } = await openMap([fileRecord('a', 0), fileRecord('b', 5)])
    expect(await owners(3)).toEqual([])
    expect(await owners(0)).toEqual(['a'])
    expect(await owners(5)).toEqual(['b'])
    expect(await owners(6)).toEqual([])
  })
})

describe('when the index changes', () => {
  it('a new owner is found, in a gap and behind the end', async () => {
    const { index, owners } = await openMap([fileRecord('a', 0), fileRecord('b', 5)])
    for (const block of [3, 6, 1000]) expect(await owners(block)).toEqual([])
    await putAll(index, [fileRecord('gap', 3), fileRecord('end', 6), fileRecord('far', 1000)])
    expect(await owners(3)).toEqual(['gap'])
    expect(await owners(6)).toEqual(['end'])
    expect(await owners(1000)).toEqual(['far'])
  })

  it('an owner that lost the block is forgotten, and a twin is seen', async () => {
    const a = fileRecord('a', 0, { size: 2 * MIB })
    const { index, owners } = await openMap([a, fileRecord('b', 2)])
    expect(await owners(1)).toEqual(['a'])
    await putAll(index, [fileRecord('twin', 0, { size: 2 * MIB })])
    expect(await owners(1)).toEqual(['a', 'twin'])
    const batch = index.batch()
    batch.put(fileRecord('a', 9), a)
    await batch.flush()
    expect(await owners(1)).toEqual(['twin'])
    expect(await owners(9)).toEqual(['a'])
    expect(await owners(2)).toEqual(['b'])
  })

  it('what was being loaded meanwhile is not kept', async () => {
    const a = fileRecord('a', 0)
    const { index, owners } = await openMap([a])
    const loading = owners(0)
    const batch = index.batch()
    batch.remove(a)
    await Promise.all([loading, batch.flush()])
    expect(await owners(0)).toEqual([])
  })

  it('the state of a file is the new one', async () => {
    const index = await openIndex()
    const partial = fileRecord('a', 0, { state: 'partial' })
    await putAll(index, [partial])
    const map = new BlockMap(index)
    expect((await map.owners(0))[0]?.state).toBe('partial')
    const batch = index.batch()
    batch.put(fileRecord('a', 0), partial)
    await batch.flush()
    expect((await map.owners(0))[0]?.state).toBe('done')
  })
})
