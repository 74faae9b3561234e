import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readAddressLimit, refuseSmallAddressSpace, workerThreads } from '../../../src/core/address-space.js'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dat-core-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const NONE = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY }

it('reads the limit as Linux writes it', async () => {
  const file = join(dir, 'limits')
  const before = 'Limit                     Soft Limit           Hard Limit           Units     \n'
  await writeFile(file, `${before}Max address space         4096000000           unlimited            bytes     \n`)
  expect(readAddressLimit(file)).toEqual({ soft: 4_096_000_000, hard: Number.POSITIVE_INFINITY })
  await writeFile(file, `${before}Max address space         unlimited            unlimited            bytes     \n`)
  expect(readAddressLimit(file)).toEqual(NONE)
  await writeFile(file, 'something else')
  expect(readAddressLimit(file)).toEqual(NONE)
  expect(readAddressLimit(join(dir, 'missing'))).toEqual(NONE)
})

it('refuses what is too little, and says who can change it', () => {
  expect(() => refuseSmallAddressSpace(NONE)).not.toThrow()
  expect(() => refuseSmallAddressSpace({ soft: 4_096_000_000, hard: 4_096_000_000 })).not.toThrow()
  const refused = (hard: number) => {
    try {
      refuseSmallAddressSpace({ soft: 2_048_000_000, hard })
    } catch (error) {
      return error
    }
  }
  const code = 'MEMORY_LIMIT'
  const message = expect.stringContaining('2000000 KiB')
  expect(refused(Number.POSITIVE_INFINITY)).toMatchObject({
    ...{ code, message, hint: 'type `ulimit -S -v unlimited`, then the same command again' }
  })
  expect(refused(8_192_000_000)).toMatchObject({ code, hint: expect.stringContaining('`ulimit -S -v 8000000`') })
  expect(refused(2_048_000_000)).toMatchObject({ code, hint: expect.stringContaining('batch job') })
})

it('uses no more than two threads where addresses are few', () => {
  expect(workerThreads({ soft: 4_096_000_000, hard: 4_096_000_000 })).toBe(2)
  expect(workerThreads(NONE)).toBeGreaterThanOrEqual(2)
  expect(workerThreads(NONE)).toBeLessThanOrEqual(4)
})
