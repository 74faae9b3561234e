import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Dat, Room } from '../helpers/dat.js'
import { describeTree, PLAIN_TREE, writeTree } from '../helpers/trees.js'

// Two dats on one folder: who comes second is told who holds it, or only looks, and neither does harm to the other.

let room: Room
let share: Dat
let link: string
beforeEach(async () => {
  room = await Room.open()
  await writeTree(room.path('source'), PLAIN_TREE)
  const shared = await room.share('source')
  share = shared.share
  link = shared.link
  await share.waitFor('import.done')
})
afterEach(() => room.close())

/** Commands that only look at a folder. */
const LOOKS = ['status', 'ls', 'log', 'verify']

async function isTold(args: readonly string[], holder: Dat, work: string): Promise<void> {
  const second = await room.dat(args).exits(14)
  const error = await second.waitFor('error')
  expect(error).toMatchObject({ code: 'INDEX_LOCKED', exitCode: 14 })
  expect(error.message).toContain(`\`dat ${work}\`, process ${holder.pid} on this computer`)
}

describe('a folder that is shared', () => {
  it('can be looked at, and be verified, but not be repaired', async () => {
    await Promise.all(LOOKS.map((look) => room.dat([look, 'source']).exits(0)))
    await isTold(['verify', '--repair', 'source'], share, 'share')
  })
})

describe('a clone that is followed', () => {
  it('can be looked at; whoever would write into it is told who holds it', async () => {
    await room.dat(['clone', link, 'copy']).exits(0)
    const sync = room.dat(['sync', 'copy'])
    await sync.waitFor('done')
    await Promise.all(LOOKS.map((look) => room.dat([look, 'copy']).exits(0)))
    for (const args of [['pull'], ['sync'], ['share'], ['verify', '--repair'], ['clone', link]]) {
      await isTold([...args, 'copy'], sync, 'sync')
    }
    await sync.stop()
    await room.dat(['pull', 'copy']).exits(0)
  })
})

describe('two clones into one folder at once', () => {
  it('the second is told, with an index of its own too, and the first ends well when it goes on', async () => {
    const first = room.dat(['clone', link, 'copy', '--limit-down', '20K'])
    await first.waitFor('download.progress')
    await isTold(['clone', link, 'copy'], first, 'clone')
    const other = await room.dat(['clone', link, 'copy', '--store', 'elsewhere']).exits(13)
    expect(await other.waitFor('error')).toMatchObject({ code: 'DESTINATION_OCCUPIED' })
    await first.stop()
    await room.dat(['clone', link, 'copy']).exits(0)
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
  })
})
