import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type * as pull from '../../src/core/pull.js'
import { defer } from '../helpers/cleanup.js'
import { ALONE, built, LISTENING, TestSession, temporaryFolder } from '../helpers/core.js'
import { mountFor } from '../helpers/mounts.js'
import { describeTree, writeTree } from '../helpers/trees.js'

const OLD = new Date('2020-01-01T00:00:00Z')

/** A share with a home, and a clone of it that is up to date. */
async function world() {
  const folder = await temporaryFolder()
  const source = join(folder, 'source')
  const copy = join(folder, 'copy')
  const home = join(folder, 'home')
  await writeTree(source, {
    'a.bin': randomBytes(5000),
    'b.bin': randomBytes(5000),
    'large.bin': randomBytes(2_500_000)
  })
  // The time of a copy is another one, beyond what file systems round.
  for (const name of ['a.bin', 'b.bin', 'large.bin']) await utimes(join(source, name), OLD, OLD)
  const share = async (options: object = {}) => {
    const session = await TestSession.share(source, { home, ...options })
    await session.event('import.done')
    return session
  }
  const owner = await share()
  const clone = await TestSession.clone(owner.link, copy)
  await clone.done()
  await clone.close()
  const key = (session: TestSession) => session.all('link')[0]?.key
  /** Pulls, and expects the clone to be the source. @returns bytes fetched */
  const pulls = async (from: TestSession) => {
    const session = await TestSession.pull(copy, from.link)
    const { downloadedBytes, failures } = await session.done()
    await session.close()
    expect(failures).toEqual([])
    expect(await describeTree(copy)).toEqual(await describeTree(source))
    return downloadedBytes
  }
  return { folder, source, copy, home, share, owner, key, pulls }
}

test('an owner who lost .dat has the same link again, and a clone fetches nothing twice', async () => {
  const { source, share, owner, key, pulls, home } = await world()
  await owner.close()
  // In another order than the one in which a new index would find them.
  await writeTree(source, { '0-new.bin': randomBytes(70_000), 'b.bin': randomBytes(6000) })
  await rm(join(source, 'a.bin'))
  const second = await share()
  expect(await pulls(second)).toBe(76_000)
  await second.close()

  await rm(join(source, '.dat'), { recursive: true })
  const third = await share()
  expect(key(third)).toBe(key(owner))
  expect(await pulls(third)).toBe(0)
  await third.close()
  await writeTree(source, { 'after.bin': randomBytes(9000), 'large.bin': randomBytes(1_200_000) })
  const fourth = await share()
  expect(await pulls(fourth)).toBe(1_209_000)
  await fourth.close()
  // And once more, with nothing online but the new share.
  await rm(join(source, '.dat'), { recursive: true })
  expect(await pulls(await share())).toBe(0)

  const [kept] = await readdir(join(home, 'shares'))
  expect((await stat(join(home, 'shares'))).mode & 0o777).toBe(0o700)
  expect((await stat(join(home, 'shares', String(kept), 'share.json'))).mode & 0o777).toBe(0o600)
})

test('blocks whose places have other content now never come under a final name', async () => {
  const { source, home, share, owner, key, pulls } = await world()
  await owner.close()
  await rm(join(source, '.dat'), { recursive: true })
  const [kept] = await readdir(join(home, 'shares'))
  await rm(join(home, 'shares', String(kept), 'blocks'))
  // b.bin comes to the place of a.bin, c.bin to that of b.bin: of the same size, all of them.
  await rm(join(source, 'a.bin'))
  await writeTree(source, { 'c.bin': randomBytes(5000) })
  const second = await share()
  expect(key(second)).toBe(key(owner))
  await pulls(second)
})

test('a clone that is online when the owner comes back follows it', async () => {
  const { source, copy, share, owner } = await world()
  await owner.close()
  const { followClone } = await built<typeof pull>('core/pull')
  const events: { type: string; version?: number }[] = []
  const follower = await followClone({
    dir: copy,
    store: null,
    network: LISTENING,
    include: [],
    exclude: [],
    dryRun: false,
    force: false,
    timeout: 0,
    signal: new AbortController().signal,
    report: (event) => events.push(event)
  })
  defer(() => follower.close())
  const link = events.find(({ type }) => type === 'link') as unknown as { link: string }
  const address = /@([^/]+)$/.exec(link.link)?.[1] as string
  await rm(join(source, '.dat'), { recursive: true })
  await writeTree(source, { 'a.bin': randomBytes(5000), 'new.bin': randomBytes(1_100_000) })
  const second = await share({ network: { ...ALONE, peers: [address] } })
  const { version } = await second.event('import.done')
  await second.event('peer.complete', (event) => event.version >= version)
  expect(await describeTree(copy)).toEqual(await describeTree(source))
})

test('an index older than what was told to others does not split the history', async () => {
  const { folder, source, share, owner, pulls } = await world()
  await owner.close()
  await cp(join(source, '.dat'), join(folder, 'old'), { recursive: true })
  await writeTree(source, { 'a.bin': randomBytes(5000), 'b.bin': randomBytes(5000) })
  const second = await share()
  expect(await pulls(second)).toBe(10_000)
  await second.close()
  await rm(join(source, '.dat'), { recursive: true })
  await rename(join(folder, 'old'), join(source, '.dat'))
  await writeTree(source, { 'c.bin': randomBytes(5000) })
  expect(await pulls(await share())).toBe(5000)
})

test('a version from before a fork is what it was, for whoever asks for it', async () => {
  const { folder, source, share, owner } = await world()
  const version = owner.all('import.done')[0]?.version
  const before = await readFile(join(source, 'large.bin'))
  await owner.close()
  await cp(join(source, '.dat'), join(folder, 'old'), { recursive: true })
  await writeTree(source, { 'a.bin': randomBytes(5000) })
  await (await share()).close()
  await rm(join(source, '.dat'), { recursive: true })
  await rename(join(folder, 'old'), join(source, '.dat'))
  const forked = await share()
  const clone = await TestSession.clone(forked.link, join(folder, 'then'), { version, include: ['large.bin'] })
  expect(await clone.done()).toMatchObject({ version, files: 1 })
  await clone.close()
  expect((await readFile(join(folder, 'then', 'large.bin'))).equals(before)).toBe(true)
})

test('a clone follows into a fork in which nothing of the old content is left', async () => {
  const { folder, source, share, owner, pulls, home } = await world()
  await owner.close()
  await cp(join(source, '.dat'), join(folder, 'old'), { recursive: true })
  await writeTree(source, { 'a.bin': randomBytes(5000) })
  const second = await share()
  expect(await pulls(second)).toBe(5000)
  await second.close()
  await rm(join(source, '.dat'), { recursive: true })
  await rename(join(folder, 'old'), join(source, '.dat'))
  const all = { 'a.bin': randomBytes(5000), 'b.bin': randomBytes(5000), 'large.bin': randomBytes(2_500_000) }
  await writeTree(source, all)
  const third = await share()
  expect((await stat(home)).isDirectory()).toBe(true)
  expect(await pulls(third)).toBe(2_510_000)
})

test('another folder of the same name does not get the old link', async () => {
  const { source, share, owner, key } = await world()
  await owner.close()
  await rename(source, `${source}-before`)
  await mkdir(source)
  await writeFile(join(source, 'other.txt'), 'nothing to do with it')
  const second = await share()
  expect(key(second)).not.toBe(key(owner))
  expect(second.all('note').map(({ message }) => message)).toContainEqual(expect.stringContaining('dat share --moved'))
})

test('a renamed share goes on; a copy beside it is refused; one in its place is welcome', async () => {
  const { folder, source, share, owner, key, home } = await world()
  await owner.close()
  const moved = join(folder, 'moved')
  await rename(source, moved)
  const second = await TestSession.share(moved, { home })
  await second.event('import.done')
  expect(key(second)).toBe(key(owner))
  await second.close()

  await cp(moved, source, { recursive: true, preserveTimestamps: true })
  await expect(share()).rejects.toMatchObject({ code: 'INDEX_COPIED', exitCode: 14 })
  await rm(moved, { recursive: true })
  const third = await share()
  expect(key(third)).toBe(key(owner))
})

test('a clone that was copied has its files still for its own', async () => {
  const { folder, source, copy, share, owner, pulls } = await world()
  await owner.close()
  await rename(copy, join(folder, 'aside'))
  await cp(join(folder, 'aside'), copy, { recursive: true })
  await writeTree(source, { 'a.bin': randomBytes(5000) })
  expect(await pulls(await share())).toBe(5000)
})

test('the index of a folder that cannot be written to is in the home, and is found again', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('needs root, to mount a folder read-only')
  const { home, source, owner } = await world()
  await owner.close()
  await rm(join(source, '.dat'), { recursive: true })
  const mounted = await temporaryFolder()
  try {
    await mountFor(mounted, ['--bind', source])
    execFileSync('mount', ['-o', 'remount,ro,bind', mounted], { stdio: 'ignore' })
  } catch {
    return context.skip('cannot mount here')
  }
  const first = await TestSession.share(mounted, { home })
  await first.event('import.done')
  const notes = first.all('note').filter(({ important }) => important)
  expect(notes.map(({ message }) => message)).toContainEqual(expect.stringContaining(`the index is in ${home}`))
  await first.close()
  const second = await TestSession.share(mounted, { home })
  expect(second.link.slice(0, 58)).toBe(first.link.slice(0, 58))
  await second.close()
})

test('of two owners of one share that meet, the one whose history is the earlier ends, and does not begin again', async () => {
  const { folder, source, owner, share } = await world()
  await owner.close()
  const twin = join(folder, 'twin')
  await cp(source, twin, { recursive: true })
  const first = await share()
  const peers = [/@([^/]+)$/.exec(first.link)?.[1] as string]
  const second = await TestSession.share(twin, {
    moved: true,
    home: join(folder, 'other'),
    network: { ...ALONE, peers }
  })
  await second.event('note', ({ message }) => message.includes('shares the same link'))
  expect(await first.failure()).toMatchObject({ code: 'NOT_OWNER', exitCode: 12 })
  await first.close()
  await second.close()
  await expect(share()).rejects.toMatchObject({ code: 'NOT_OWNER' })
  // Who says that it is here now and nowhere else goes on after the other.
  const again = await share({ moved: true })
  const third = await TestSession.share(twin, {
    home: join(folder, 'other'),
    network: { ...ALONE, peers: [/@([^/]+)$/.exec(again.link)?.[1] as string] }
  })
  expect(await third.failure()).toMatchObject({ code: 'NOT_OWNER' })
})

test('an owner that meets only a clone learns from it that another went on, and writes nothing after it', async () => {
  const { folder, source, copy, owner, share } = await world()
  await owner.close()
  const twin = join(folder, 'twin')
  await cp(source, twin, { recursive: true })
  await writeTree(twin, { 'theirs.bin': randomBytes(3000) })
  const second = await TestSession.share(twin, { moved: true, home: join(folder, 'other') })
  await second.event('import.done')
  const clone = await TestSession.pull(copy, second.link)
  await clone.done()
  await clone.close()
  await second.close()
  await writeTree(source, { 'ours.bin': randomBytes(3000) })
  const { followClone } = await built<typeof pull>('core/pull')
  const follower = await follow(followClone, copy)
  const first = await share({ network: { ...ALONE, peers: [follower] } }).catch((error) => error)
  const error = first instanceof TestSession ? await first.failure() : (first.cause ?? first)
  expect(error).toMatchObject({ code: 'NOT_OWNER' })
  expect(await describeTree(copy)).toEqual(await describeTree(twin))
})

/** A clone that serves. @returns its address */
async function follow(followClone: typeof pull.followClone, dir: string): Promise<string> {
  const links: string[] = []
  const follower = await followClone({
    ...{ dir, store: null, network: LISTENING, include: [], exclude: [], dryRun: false, force: false, timeout: 0 },
    signal: new AbortController().signal,
    report: (event) => event.type === 'link' && links.push(event.link ?? '')
  })
  defer(() => follower.close())
  return /@([^/]+)$/.exec(links[0] ?? '')?.[1] as string
}
