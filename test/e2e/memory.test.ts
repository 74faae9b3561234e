import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Room } from '../helpers/dat.js'
import { describeTree, writeTree } from '../helpers/trees.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
  const files = Array.from({ length: 40 }, (_, i) => [`many/${i}`, randomBytes(20_000)])
  await writeTree(room.path('data'), { large: randomBytes(5_000_000), ...Object.fromEntries(files) })
})
afterEach(() => room.close())

describe.runIf(process.platform === 'linux')('where the system limits the addresses of a process', () => {
  // Less than one instance of WebAssembly takes.
  it('to 4 GB, dat shares and clones', async () => {
    const addressSpace = 4_000_000
    const share = room.dat(['share', 'data'], { addressSpace })
    const { link } = await share.waitFor('link')
    await share.waitFor('import.done')
    const limited = room.dat(['clone', String(link), 'limited'], { addressSpace })
    await limited.exits(0)
    expect(await describeTree(room.path('limited'))).toEqual(await describeTree(room.path('data')))
    // Hashes are the same, by whatever they are computed.
    await room.dat(['verify', 'limited']).exits(0)
    await share.stop()
  })

  it('to less, it says so before it begins, and what to do', async () => {
    const addressSpace = 3_000_000
    const hint = expect.stringContaining('batch job')
    for (const args of [
      ['share', 'data'],
      ['clone', `dat://${'y'.repeat(52)}`]
    ]) {
      const refused = await room.dat(args, { addressSpace }).exits(16)
      expect(refused.all('error')).toMatchObject([{ code: 'MEMORY_LIMIT', hint, failures: [] }])
    }
    expect(existsSync(room.path('data', '.dat'))).toBe(false)
  })
})
