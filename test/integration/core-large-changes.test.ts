import { randomBytes } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type * as workers from '../../src/storage/file-workers.js'
import { defer } from '../helpers/cleanup.js'
import { built, TestSession, temporaryFolder } from '../helpers/core.js'
import { describeTree, writeTree } from '../helpers/trees.js'

const MIB = 1024 * 1024
/** From this size on the entry of a file is out before its blocks. */
const LARGE = 256 * MIB

let source: string
let copy: string
beforeEach(async () => {
  source = join(await temporaryFolder(), 'source')
  copy = join(await temporaryFolder(), 'copy')
})

/** Has something happen each time when so many stretches of files were handed to be hashed. */
async function afterHashing(stretches: readonly number[], happens: () => Promise<void>): Promise<void> {
  const { FileWorkers } = await built<typeof workers>('storage/file-workers')
  const { hash } = FileWorkers.prototype
  let count = 0
  const spy = vi.spyOn(FileWorkers.prototype, 'hash').mockImplementation(async function (this: never, jobs) {
    if (stretches.includes(++count)) await happens()
    return hash.call(this, jobs)
  })
  defer(() => spy.mockRestore())
}

async function writeAt(file: string, position: number): Promise<void> {
  const handle = await open(file, 'r+')
  await handle.write(randomBytes(MIB), 0, MIB, position)
  await handle.close()
}

describe('a large file of which a part is shared when it changes', () => {
  test('is served as it is then, and what was promised before is withdrawn alone', async () => {
    const name = join(source, 'run.bam')
    await writeTree(source, { 'run.bam': randomBytes(LARGE) })
    await afterHashing([9], () => writeAt(name, 200 * MIB))
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const clone = await TestSession.clone(owner.link, copy)
    await clone.done()
    expect(await describeTree(copy)).toEqual(await describeTree(source))
  }, 60_000)

  test('leaves the places of others alone when it is given up', async () => {
    const name = join(source, 'run.bam')
    await writeTree(source, { 'run.bam': randomBytes(LARGE), 'z/notes': randomBytes(3 * MIB) })
    let turn = 0
    await afterHashing([9, 18, 27], () => writeAt(name, ++turn * MIB))
    const owner = await TestSession.share(source, { watch: false })
    const { skipped } = (await owner.event('import.done')) as { skipped: number }
    expect(skipped).toBe(1)
    const clone = await TestSession.clone(owner.link, copy, { include: ['z/**'] })
    await clone.done()
    expect(await readFile(join(copy, 'z/notes'))).toEqual(await readFile(join(source, 'z/notes')))
  }, 60_000)
})
