import { execFile } from 'node:child_process'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pretendBoot } from '../boot.js'
import { killSometime, playRounds } from '../world.js'

const run = promisify(execFile)
const SLOW = ['--limit-up', '12M']

/** A copy of a folder or of its index as it is now, while whoever writes there stands still. */
async function snapshot(child, from, to) {
  child?.process.kill('SIGSTOP')
  try {
    // Node's own copy rounds times.
    await run('cp', ['-a', from, to])
  } finally {
    child?.process.kill('SIGCONT')
  }
}

async function replace(folder, by) {
  await rm(folder, { recursive: true, force: true })
  await rename(by, folder)
}

/** What the disk has after the power came back. Index and data are from different moments. */
const ROUNDS = {
  async 'clone: an older index, newer files'(world) {
    const { random, room, copy } = world
    const share = await world.share(...SLOW)
    const clone = world.clone()
    await clone.event(random.pick(['peer.connected', 'download.progress', 'file.done']), 60)
    await snapshot(clone, join(copy, '.dat'), join(room, 'old'))
    await killSometime(clone, random, ['file.done', 'done'], 1500)
    await replace(join(copy, '.dat'), join(room, 'old'))
    await pretendBoot(copy)
    await world.mustBeWhole()
    await world.finishes(world.clone(), share)
  },

  async 'clone: a newer index, older files'(world) {
    const { random, room, copy } = world
    const again = await world.shareNews(...SLOW)
    const pull = world.pull()
    await pull.event('peer.connected', 60)
    await snapshot(pull, copy, join(room, 'old'))
    await killSometime(pull, random, ['file.done', 'done'], 1500)
    await rm(join(room, 'old/.dat/index'), { recursive: true })
    // Copied and not moved: the files have other inodes too, which no power loss gives them.
    await run('cp', ['-a', join(copy, '.dat/index'), join(room, 'old/.dat/index')])
    await replace(copy, join(room, 'old'))
    await pretendBoot(copy)
    await world.mustBeWhole()
    await world.finishes(world.pull(), again)
    await world.mustBeWhole()
    // A removal that was lost is not made again: what came back could be the user's own by now.
    const present = new Set((await world.files(world.source)).map(({ path }) => path))
    for (const { path, absolute } of await world.files(copy)) if (!present.has(path)) await rm(absolute)
  },

  async 'sharer: an older index, newer files'(world) {
    const { room, source } = world
    const share = await world.share()
    await share.event('import.done', 60)
    await world.finishes(world.clone(), share)
    await snapshot(share, join(source, '.dat'), join(room, 'old'))
    await world.edit()
    // The clone has what the index, as it will be found, knows nothing of.
    await share.event(
      ({ type, version }) =>
        type === 'import.done' && version > 3 && share.events.filter((e) => e.type === 'import.done').length > 1,
      60
    )
    await world.finishes(world.pull(), share)
    await share.kill()
    await replace(join(source, '.dat'), join(room, 'old'))
    await pretendBoot(source)
    if (world.random.chance(0.5)) await rm(world.home, { recursive: true })
    if (world.random.chance(0.7)) await world.edit()
    const again = await world.share()
    await again.event('import.done', 60)
    await world.mustBeWhole()
    await world.finishes(world.pull(), again)
  },

  async 'sharer: a newer index, older files'(world) {
    const { room, source } = world
    const share = await world.share()
    await share.event('import.done', 60)
    await snapshot(share, source, join(room, 'old'))
    await world.edit()
    await share.event(() => share.events.filter((e) => e.type === 'import.done').length > 1, 60)
    await killSometime(share, world.random, ['import.done'], 300)
    await rm(join(room, 'old/.dat'), { recursive: true })
    await rename(join(source, '.dat'), join(room, 'old/.dat'))
    await replace(source, join(room, 'old'))
    await pretendBoot(source)
    const again = await world.share()
    await world.finishes(world.clone(), again)
  },

  async 'sharer: the index is gone'(world) {
    const { source } = world
    const share = await world.share()
    await share.event('import.done', 60)
    await world.finishes(world.clone(), share)
    await killSometime(share, world.random, ['import.done'], 100)
    await world.edit()
    const second = await world.share()
    await second.event('import.done', 60)
    const before = await world.finishes(world.pull(), second)
    await second.kill()
    await rm(join(source, '.dat'), { recursive: true })
    const { link } = world
    const third = await world.share()
    if (world.link !== link) throw new Error('the share has another link')
    await third.event('import.done', 60)
    const after = await world.finishes(world.pull(), third)
    if (after.downloadedBytes > 0)
      throw new Error(`${after.downloadedBytes} of ${before.bytes} bytes were fetched again`)
  }
}

/** The computer went down: what is found of index and files does not belong together. */
export function power(session) {
  return playRounds(session, 'power', 10, ROUNDS)
}
