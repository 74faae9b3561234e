import { BLOCK_SIZE } from './layout.js'

/** Blocks of zeros: on the disk of a clone they take no space. */

const PAGE = 4096
/** Shorter runs of zeros are written: a hole costs a call of its own, and a piece of the file more. */
const MIN_HOLE = 32 * 1024

const nothing = Buffer.alloc(BLOCK_SIZE)

/** A block of zeros, always the same memory. @param length in bytes, at most BLOCK_SIZE */
export function zeroBlock(length: number): Buffer {
  return nothing.subarray(0, length)
}

/** Whether a block is one that `zeroBlock` gave out. */
export function isZeroBlock(data: Uint8Array): boolean {
  return data.buffer === nothing.buffer
}

/** Whether all of the data is zeros. Costs next to nothing for anything else. */
export function isZeros(data: Uint8Array): boolean {
  if (isZeroBlock(data)) return true
  for (let start = 0; start < data.length; start += BLOCK_SIZE) {
    const end = Math.min(data.length, start + BLOCK_SIZE)
    if (data[start] !== 0 || data[end - 1] !== 0 || nothing.compare(data, start, end, 0, end - start) !== 0)
      return false
  }
  return true
}

export interface Run {
  start: number
  end: number
  /** It is to be a hole. */
  hole: boolean
}

/** Cuts data that begins at a page of its file into what is to be written and what is to be a hole, in order. */
export function runsOf(data: Uint8Array): Run[] {
  if (isZeroBlock(data)) return data.length > 0 ? [{ start: 0, end: data.length, hole: true }] : []
  const runs: Run[] = []
  let written = 0
  const add = (start: number, end: number): void => {
    if (start > written) runs.push({ start: written, end: start, hole: false })
    if (end > start) runs.push({ start, end, hole: true })
    written = end
  }
  let zerosFrom = -1
  for (let start = 0; start < data.length; start += PAGE) {
    const zero = data[start] === 0 && isZeros(data.subarray(start, Math.min(data.length, start + PAGE)))
    if (zero && zerosFrom === -1) zerosFrom = start
    if (zero || zerosFrom === -1) continue
    if (start - zerosFrom >= MIN_HOLE) add(zerosFrom, start)
    zerosFrom = -1
  }
  if (zerosFrom !== -1 && data.length - zerosFrom >= MIN_HOLE) add(zerosFrom, data.length)
  add(data.length, data.length)
  return runs
}
