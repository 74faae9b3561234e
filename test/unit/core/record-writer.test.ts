import { beforeEach, describe, expect, it, vi } from 'vitest'
import { RecordWriter } from '../../../src/core/record-writer.js'
import type { FileIndex } from '../../../src/storage/file-index.js'
import { collect, fileRecord, openIndex } from '../../helpers/core-storage.js'

let index: FileIndex
let errors: unknown[]
let writer: RecordWriter
beforeEach(async () => {
  index = await openIndex()
  errors = []
  writer = new RecordWriter(index, (error) => errors.push(error))
})

const paths = async () => (await collect(index.records())).map(({ path }) => path)

describe('a record writer', () => {
  it('writes everything at a flush', async () => {
    for (let i = 0; i < 10; i++) writer.put(fileRecord(`f${i}`, i), null)
    void writer.remove(fileRecord('f3', 3))
    expect(await paths()).toEqual([])
    await writer.flush()
    expect(await paths()).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9].map((i) => `f${i}`))
    await writer.flush()
  })

  it('keeps the order: what came last holds, across flushes too', async () => {
    for (let round = 0; round < 3000; round++) {
      const record = fileRecord('a', round)
      writer.put(record, round > 0 ? fileRecord('a', round - 1) : null)
    }
    await writer.flush()
    expect(await index.get('a')).toEqual(fileRecord('a', 2999))
    expect(await index.rangesFrom(0, 10)).toEqual([{ blockOffset: 2999, path: 'a' }])
  })

  it('writes by itself, soon and when much came together', async () => {
    writer.put(fileRecord('soon', 0), null)
    await vi.waitFor(async () => expect(await paths()).toEqual(['soon']))
    for (let i = 0; i < 512; i++) writer.put(fileRecord(`m${String(i).padStart(3, '0')}`, i), null)
    await writer.flush()
    expect(await paths()).toHaveLength(513)
  })

  it('tells of a failure, and goes on', async () => {
    const broken = { ...index, batch: () => ({ put: () => {}, flush: () => Promise.reject(new Error('disk')) }) }
    const failing = new RecordWriter(broken as unknown as FileIndex, (error) => errors.push(error))
    failing.put(fileRecord('a', 0), null)
    await failing.flush()
    failing.put(fileRecord('b', 1), null)
    await failing.flush()
    expect(errors).toEqual([new Error('disk'), new Error('disk')])
  })
})
