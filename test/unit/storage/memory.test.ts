import { randomBytes } from 'node:crypto'
import crypto from 'hypercore-crypto'
import { describe, expect, it } from 'vitest'
import { Batcher } from '../../../src/storage/batcher.js'
import { leafHash, sodiumLeafHash } from '../../../src/storage/leaf-hash.js'
import { RecentBlocks } from '../../../src/storage/recent-blocks.js'
import { TreeNodes } from '../../../src/storage/tree-nodes.js'

const node = (index: number) => ({ index, size: index, hash: Buffer.alloc(32, index) })

describe('tree nodes', () => {
  it('of a core that was empty are all known, those that are not there too', () => {
    const nodes = new TreeNodes(true)
    expect(nodes.get(0)).toBeNull()
    nodes.add([node(0), node(100_000)])
    expect(nodes.get(0)).toEqual(node(0))
    expect(nodes.get(100_000)).toEqual(node(100_000))
    for (const index of [1, 7, 8, 99_999, 100_001, 2 ** 31]) expect(nodes.get(index)).toBeNull()
  })

  it('of any other core are known if they were written', () => {
    const nodes = new TreeNodes(false)
    nodes.add([node(4)])
    expect(nodes.get(4)).toEqual(node(4))
    expect(nodes.get(5)).toBeUndefined()
  })

  it('are not taken for absent once there are too many to keep', () => {
    const nodes = new TreeNodes(true)
    for (let i = 0; i < 70_000; i += 1000) nodes.add(Array.from({ length: 1000 }, (_, n) => node(i + n)))
    expect(nodes.get(0)).toBeUndefined()
    expect(nodes.get(69_999)).toEqual(node(69_999))
    expect(nodes.get(70_000)).toBeNull()
  })

  it('are forgotten altogether, so that nothing is wrong', () => {
    const nodes = new TreeNodes(true)
    nodes.add([node(4)])
    nodes.forget()
    expect(nodes.get(4)).toBeUndefined()
    expect(nodes.get(5)).toBeUndefined()
    nodes.add([node(6)])
    expect(nodes.get(6)).toEqual(node(6))
    expect(nodes.get(7)).toBeUndefined()
  })

  it('do not hold what they came in, and do not follow it', () => {
    const nodes = new TreeNodes(true)
    const hash = Buffer.alloc(1000).subarray(10, 42)
    nodes.add([{ index: 1, size: 1, hash }])
    hash.fill(9)
    expect(nodes.get(1)?.hash).toEqual(Buffer.alloc(32))
  })

  it.each([2 ** 31, 2 ** 40, 2 ** 52])('of an absurd index %i take no memory, and are not denied', (index) => {
    const nodes = new TreeNodes(true)
    const before = process.memoryUsage().arrayBuffers
    nodes.add([node(3), { ...node(1), index }])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024)
    expect(nodes.get(3)).toEqual(node(3))
    expect(nodes.get(index)?.index).toBe(index)
    expect(nodes.get(4)).toBeUndefined()
  })
})

describe('recent blocks', () => {
  it('are kept if they are small, the newest ones', () => {
    const blocks = new RecentBlocks()
    for (let i = 0; i < 2000; i++) blocks.add(i, Buffer.alloc(10_000, i))
    expect(blocks.get(1999)).toEqual(Buffer.alloc(10_000, 1999))
    expect(blocks.get(0)).toBeNull()
    const kept = Array.from({ length: 2000 }, (_, i) => blocks.get(i)).filter((block) => block !== null)
    expect(kept.length).toBe(Math.floor((3 * 1024 * 1024) / 10_000))
    blocks.add(5000, Buffer.alloc(100_000))
    expect(blocks.get(5000)).toBeNull()
    blocks.clear()
    expect(blocks.get(1999)).toBeNull()
    blocks.add(1999, Buffer.from('new'))
    expect(blocks.get(1999)?.toString()).toBe('new')
  })

  it('do not follow what they came in', () => {
    const blocks = new RecentBlocks()
    const data = Buffer.from('block')
    blocks.add(1, data)
    data.fill(0)
    expect(blocks.get(1)?.toString()).toBe('block')
  })
})

describe('a batcher', () => {
  const collecting = (jobs: number, bytes: number) => {
    const calls: number[][] = []
    const batcher = new Batcher<number, string>(jobs, bytes, async (batch) => {
      calls.push(batch)
      return batch.map((job) => `result ${job}`)
    })
    return { calls, batcher }
  }

  it('makes one call of those that come together, and gives each its own answer', async () => {
    const { calls, batcher } = collecting(100, 1000)
    expect(await Promise.all([1, 2, 3].map((job) => batcher.add(job, 1)))).toEqual(['result 1', 'result 2', 'result 3'])
    expect(await batcher.add(4, 1)).toBe('result 4')
    expect(calls).toEqual([[1, 2, 3], [4]])
  })

  it('makes no call larger than it may be', async () => {
    const { calls, batcher } = collecting(3, 10)
    await Promise.all([1, 2, 3, 4].map((job) => batcher.add(job, 1)))
    await Promise.all([5, 6, 7].map((job) => batcher.add(job, 6)))
    expect(calls).toEqual([[1, 2, 3], [4], [5, 6], [7]])
  })

  it('fails all of a call that failed, and none of the next', async () => {
    let fail = true
    const batcher = new Batcher<number, number>(10, 10, async (jobs) => {
      if (fail) throw new Error('no')
      return jobs
    })
    const results = await Promise.allSettled([batcher.add(1, 0), batcher.add(2, 0)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    fail = false
    expect(await batcher.add(3, 0)).toBe(3)
  })
})

describe('the hash of a block', () => {
  it.each([0, 1, 8191, 8192, 8193, 65_536, 1024 * 1024, 1024 * 1024 + 1])(
    'of %i bytes is that of hypercore',
    (size) => {
      const data = randomBytes(size)
      const length = Buffer.alloc(8)
      length.writeBigUInt64LE(BigInt(size))
      const expected = crypto.hash([Buffer.from([0]), length, data])
      expect(leafHash(data)).toEqual(expected)
      expect(sodiumLeafHash(data)).toEqual(expected)
      // Not a view of a buffer that the next one overwrites.
      const first = leafHash(data)
      leafHash(randomBytes(size + 1))
      expect(first).toEqual(expected)
    }
  )
})
