import { describe, expect, it } from 'vitest'
import { BLOCK_SIZE, blockCount, blockSpan, isValidRange, uniformBlockSize } from '../../../src/storage/layout.js'

const STOCK = 64 * 1024
const range = (blockLength: number, byteLength: number, blockOffset = 0, byteOffset = 0) => ({
  blockOffset,
  blockLength,
  byteOffset,
  byteLength
})

describe('the number of blocks', () => {
  it.each([
    [0, 0],
    [1, 1],
    [BLOCK_SIZE - 1, 1],
    [BLOCK_SIZE, 1],
    [BLOCK_SIZE + 1, 2],
    [5 * BLOCK_SIZE, 5],
    [2 ** 50, 2 ** 30]
  ])('of %i bytes is %i', (bytes, blocks) => {
    expect(blockCount(bytes)).toBe(blocks)
  })
})

describe('the size of the blocks of a range', () => {
  it.each([
    // One block may have any size.
    [1, 1, 1],
    [1, STOCK, STOCK],
    [1, BLOCK_SIZE, BLOCK_SIZE],
    [1, 7 * BLOCK_SIZE, 7 * BLOCK_SIZE],
    [2, STOCK + 1, STOCK],
    [2, 2 * STOCK, STOCK],
    [2, 2 * STOCK + 1, null],
    [2, BLOCK_SIZE, null],
    [2, BLOCK_SIZE + 1, BLOCK_SIZE],
    [2, 2 * BLOCK_SIZE, BLOCK_SIZE],
    [2, 2 * BLOCK_SIZE + 1, null],
    [16, BLOCK_SIZE, STOCK],
    [17, BLOCK_SIZE + 1, STOCK],
    [17, 17 * STOCK + 1, null],
    [3, STOCK, null]
  ])('%i blocks with %i bytes: %s', (blocks, bytes, size) => {
    expect(uniformBlockSize(range(blocks, bytes))).toBe(size)
  })

  it('is never ambiguous with two blocks or more', () => {
    for (let blocks = 2; blocks < 200; blocks++) {
      const most = Math.ceil((blocks * STOCK) / BLOCK_SIZE)
      expect(most).toBeLessThan(blocks)
    }
  })
})

describe('the place of a block', () => {
  it('covers the file without gap or overlap', () => {
    for (const [size, bytes] of [
      [BLOCK_SIZE, 3 * BLOCK_SIZE],
      [BLOCK_SIZE, 3 * BLOCK_SIZE + 1],
      [STOCK, 5 * STOCK - 1],
      [10, 10]
    ] as const) {
      const blocks = Math.ceil(bytes / size)
      let end = 0
      for (let i = 0; i < blocks; i++) {
        const { start, length } = blockSpan(range(blocks, bytes, 100), size, 100 + i)
        expect(start).toBe(end)
        expect(length).toBeGreaterThan(0)
        end += length
      }
      expect(end).toBe(bytes)
    }
  })
})

describe('a range that a peer claims', () => {
  it.each([range(0, 0), range(1, 1), range(2, 2 * BLOCK_SIZE, 5, 77), range(5, 5)])('%j is possible', (claimed) => {
    expect(isValidRange(claimed)).toBe(true)
  })

  it.each([
    range(1, 0),
    range(0, 1),
    range(5, 4),
    range(-1, 1),
    range(1, -1),
    range(1, 1, -1),
    range(1, 1, 0, -1),
    range(1.5, 2),
    range(1, 1, 0.5),
    range(1, Number.NaN),
    range(1, Number.POSITIVE_INFINITY),
    range(1, 2 ** 53),
    range(2 ** 27, 2 ** 43),
    range(1, 1, 2 ** 32),
    range(2, 2, Number.MAX_SAFE_INTEGER - 1),
    range('1' as unknown as number, 1),
    range(1, null as unknown as number),
    {} as ReturnType<typeof range>
  ])('%j is not', (claimed) => {
    expect(isValidRange(claimed)).toBe(false)
  })
})
