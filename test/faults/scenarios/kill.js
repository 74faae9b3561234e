import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { killSometime, playRounds } from '../world.js'

/** From the start of a process to the end of a small transfer, in milliseconds: moments are chosen within it. */
const START_MS = 1200
const DOWNLOADING = ['peer.connected', 'download.progress', 'file.done', 'done']
const SHARING = ['link', 'network.ready', 'import.progress', 'import.done', 'peer.connected', 'upload.progress']
/** Slow enough that a kill finds a transfer under way. */
const SLOW = ['--limit-up', '12M']

/** What is under way when the kill comes. Each leaves a world in which everything is as it should be, or throws. */
const ROUNDS = {
  async import(world) {
    const { random } = world
    for (let i = random.between(1, 3); i > 0; i--) {
      const share = world.dat(['share', world.source, '--listen', `127.0.0.1:${world.port}`])
      await killSometime(share, random, SHARING.slice(0, 4), START_MS)
      if (random.chance(0.5)) await world.edit()
    }
    const share = await world.share()
    await share.event('import.done', 60)
    await world.finishes(world.clone(), share)
  },

  async clone(world) {
    const share = await world.share(...SLOW)
    await interrupted(world, share, () => world.clone())
  },

  async 'sharer, while a clone runs'(world) {
    const first = await world.share(...SLOW)
    const clone = world.clone()
    await killSometime(first, world.random, SHARING.slice(3), START_MS)
    await world.mustBeWhole()
    const share = await world.share()
    await world.finishes(clone, share)
  },

  async pull(world) {
    const again = await world.shareNews(...SLOW)
    await interrupted(world, again, () => world.pull())
  },

  async 'sharer, while files change and a clone follows'(world) {
    const first = await world.share()
    await world.finishes(world.clone(), first)
    const sync = world.dat(['sync', world.copy, '--peer', `127.0.0.1:${world.port}`])
    await sync.event('link', 60)
    await world.edit()
    await killSometime(first, world.random, ['import.done', 'peer.complete', 'upload.progress'], START_MS)
    await world.mustBeWhole()
    await world.edit()
    const share = await world.share()
    const { version } = await share.event('import.done', 60)
    await share.event((event) => event.type === 'peer.complete' && event.version >= version, 60)
    await sync.interrupt()
  },

  async restore(world) {
    const { random, source } = world
    const share = await world.share('--history')
    const { version } = await share.event('import.done', 60)
    const { path, absolute } = random.pick(await world.files(source))
    const then = await readFile(absolute)
    await world.edit()
    await share.event(({ type, version: now }) => type === 'import.done' && now > version, 60)
    const args = ['restore', path, source, '--version', `${version}`, '--force']
    await killSometime(world.dat(args), random, ['restored'], START_MS)
    if (random.chance(0.3)) await share.kill()
    await world.dat(args).success(60)
    if (!then.equals(await readFile(absolute))) throw new Error(`${path} is not what it was in version ${version}`)
    const left = (await readdir(join(source, '.dat/partial')).catch(() => [])).filter((name) =>
      name.startsWith('restore')
    )
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`)
    await share.kill()
    const again = await world.share()
    await again.event('import.done', 60)
    await world.finishes(world.clone(), again)
  },

  async 'verify --repair'(world) {
    const { random } = world
    const share = await world.share(...SLOW)
    await world.finishes(world.clone(), share)
    const files = await world.files(world.copy)
    const damaged = random.pick(files).absolute
    await (random.chance(0.5) ? appendFile(damaged, 'damage') : flip(damaged))
    const repair = () => world.dat(['verify', world.copy, '--repair', '--peer', `127.0.0.1:${world.port}`])
    await killSometime(repair(), random, ['import.progress', 'peer.connected', 'file.done', 'problem'], START_MS)
    await repair().success(60)
  }
}

/** A download that is killed, perhaps twice, and then ends well; nothing that it had is fetched again. */
async function interrupted(world, share, start) {
  let had = 0
  for (let i = world.random.between(1, 2); i > 0; i--) {
    const child = start()
    await killSometime(child, world.random, DOWNLOADING, START_MS)
    await world.mustBeWhole()
    had = Math.max(had, child.events.findLast(({ type }) => type === 'download.progress')?.bytesDone ?? 0)
    if (child.events.some(({ type }) => type === 'done')) await world.mustBeSame()
  }
  const child = start()
  const done = await world.finishes(child, share)
  const fetched = done.bytes - had
  if (done.downloadedBytes > fetched) {
    throw new Error(`${had} of ${done.bytes} bytes were here, and ${done.downloadedBytes} were fetched again`)
  }
}

async function flip(file) {
  const bytes = await readFile(file)
  if (bytes.length === 0) return appendFile(file, 'damage')
  bytes[bytes.length >> 1] ^= 255
  await writeFile(file, bytes)
}

/** kill -9 of sharer and cloner: the next run succeeds, with the right bytes, and without fetching anything twice. */
export function kill(session) {
  return playRounds(session, 'kill', 24, ROUNDS)
}
