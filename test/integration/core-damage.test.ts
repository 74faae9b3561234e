import { randomBytes } from 'node:crypto'
import { chmod, copyFile, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { parseLink } from '../../src/base/link.js'
import type * as stati from '../../src/core/status.js'
import type * as verifies from '../../src/core/verify.js'
import { ALONE, built, LISTENING, shareAndClone, TestSession, temporaryFolder } from '../helpers/core.js'
import { rot, tamper, withIndex } from '../helpers/damage.js'
import { describeTree, writeTree } from '../helpers/trees.js'

const MIB = 1024 * 1024
const OLD = new Date('2020-01-01T00:00:00Z')
let source: string
let copy: string
let third: string
beforeEach(async () => {
  const room = await temporaryFolder()
  source = join(room, 'source')
  copy = join(room, 'copy')
  third = join(room, 'third')
})

const same = async (dir = copy) => expect(await describeTree(dir)).toEqual(await describeTree(source))
const contentLength = (dir: string) => withIndex(dir, async (open) => (await open.content()).length)

async function sharedOnce() {
  const owner = await TestSession.share(source)
  const done = await owner.event('import.done')
  await owner.close()
  return done
}

/** Files that are old enough for their times to say whether they changed. */
function writeOld(tree: Record<string, Buffer | string>): Promise<void> {
  return writeTree(
    source,
    Object.fromEntries(Object.entries(tree).map(([name, content]) => [name, { content, modified: OLD }]))
  )
}

async function verify(dir: string, link?: string) {
  const core = await built<typeof verifies>('core/verify')
  const network = link ? { ...ALONE, peers: parseLink(link).addresses } : ALONE
  const signal = new AbortController().signal
  const given = { dir, repair: link !== undefined, timeout: 20, store: null, network, report: () => {}, signal }
  return core.verify(given)
}

async function status(dir: string) {
  const { readStatus } = await built<typeof stati>('core/status')
  return readStatus({ dir, store: null, signal: new AbortController().signal })
}

describe('a file that was rewritten in place, of the same size, and its time set back', () => {
  test.each([
    ['small', 1000],
    ['large', 3 * MIB]
  ])('is found when it is shared again (%s)', async (_what, size) => {
    await writeOld({ a: randomBytes(size), b: 'b' })
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await owner.close()
    await tamper(join(source, 'a'), size - 1)
    expect((await stat(join(source, 'a'))).mtime).toEqual(OLD)
    const again = await TestSession.share(source)
    expect(await again.event('import.done')).toMatchObject({ changed: 1, added: 0 })
    const pull = await TestSession.pull(copy, again.link)
    expect(await pull.done()).toMatchObject({ failures: [] })
    await same()
  })

  test('is found by a read where nobody watches, and the clone gets what it is now', async () => {
    await writeOld({ a: randomBytes(3 * MIB), 'c/d': 'd', e: 'e' })
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    await tamper(join(source, 'a'), 2 * MIB)
    await tamper(join(source, 'c/d'))
    const clone = await TestSession.clone(owner.link, copy)
    expect(await clone.done()).toMatchObject({ failures: [] })
    await same()
  })

  test('is found although it was written right after it was indexed, when no time can tell', async () => {
    await writeOld({ a: randomBytes(1000) })
    await sharedOnce()
    await tamper(join(source, 'a'))
    await withIndex(source, async ({ index }) => {
      const record = await index.get('a')
      const { ctimeMs } = await stat(join(source, 'a'))
      const batch = index.batch()
      if (record) batch.put({ ...record, ctime: ctimeMs, racy: true }, record)
      await batch.flush()
    })
    expect(await sharedOnce()).toMatchObject({ changed: 1 })
    expect(await sharedOnce()).toMatchObject({ changed: 0 })
  })
})

describe('a file that was touched, with the same content', () => {
  test.each([
    ['small', 1000],
    ['large', 3 * MIB]
  ])('costs no new version and no block (%s)', async (_what, size) => {
    await writeOld({ a: randomBytes(size), empty: '' })
    const first = await sharedOnce()
    const length = await contentLength(source)
    await chmod(join(source, 'a'), 0o600)
    await chmod(join(source, 'empty'), 0o600)
    // The same bytes in another file, under the same name.
    const second = await sharedOnce()
    expect(second).toMatchObject({ changed: 0, added: 0, removed: 0, version: first.version, filesDone: 2 })
    await copyFile(join(source, 'a'), join(source, 'b'))
    await utimes(join(source, 'b'), OLD, OLD)
    await rename(join(source, 'b'), join(source, 'a'))
    expect(await sharedOnce()).toMatchObject({ added: 0, removed: 0 })
    expect(await contentLength(source)).toBe(length)
  })

  test('in a clone is not taken for an altered one', async () => {
    await writeOld({ a: randomBytes(3 * MIB), b: 'b', gone: 'gone' })
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await owner.close()
    for (const name of ['a', 'b', 'gone']) await chmod(join(copy, name), 0o600)
    expect(await status(copy)).toMatchObject({ changed: [], complete: true })
    await writeTree(source, { b: 'new' })
    await rm(join(source, 'gone'))
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    expect(await pull.done()).toMatchObject({ failures: [], downloadedBytes: 3 })
    await same()
  })
})

describe('a file of a clone that was rewritten, of the same size, and its time set back', () => {
  test('is shown, found, left alone by a pull, and mended', async () => {
    await writeOld({ a: randomBytes(3 * MIB), small: 'small', gone: 'gone', ok: 'ok' })
    const { owner, clone } = await shareAndClone(source, copy, { watch: true })
    await clone.close()
    for (const [name, at] of Object.entries({ a: 2 * MIB, small: 1, gone: 0 })) await tamper(join(copy, name), at)
    const mine = await describeTree(copy)
    expect((await status(copy)).changed).toEqual(['a', 'gone', 'small'].map((path) => ({ path, reason: 'changed' })))
    const { problems } = await verify(copy)
    expect(problems).toEqual(['a', 'gone', 'small'].map((path) => ({ path, problem: 'altered' })))
    // The owner has nothing new, then a new version of one and none of another.
    const idle = await TestSession.pull(copy, owner.link)
    expect(await idle.failure()).toMatchObject({ code: 'ALTERED' })
    await idle.close()
    const known = owner.events.length
    await writeTree(source, { small: 'other' })
    await owner.event('import.done', ({ changed }) => changed === 1, known)
    await rm(join(source, 'gone'))
    await owner.event('import.done', ({ removed }) => removed === 1, known)
    const pull = await TestSession.pull(copy, owner.link)
    expect(await pull.failure()).toMatchObject({
      code: 'ALTERED',
      failures: [
        { path: 'a', reason: 'it was altered here' },
        { path: 'small', reason: 'it was altered here' }
      ]
    })
    await pull.close()
    expect(await describeTree(copy)).toEqual(mine)
    // Also where the newer version waits to take the place of what was altered.
    expect((await verify(copy, owner.link)).problems).toEqual(
      ['a', 'small'].map((path) => ({ path, problem: 'altered' }))
    )
    await rm(join(copy, 'gone'))
    await same()
    expect((await verify(copy)).problems).toEqual([])
  })

  test('is overwritten if that is asked for', async () => {
    await writeOld({ a: randomBytes(3 * MIB) })
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await tamper(join(copy, 'a'))
    const pull = await TestSession.pull(copy, owner.link, { force: true })
    expect(await pull.done()).toMatchObject({ failures: [] })
    await same()
  })
})

describe('a file of a clone that its disk has damaged', () => {
  test('is not given to others, who get it elsewhere; told of, and mended', async () => {
    await writeOld({ a: randomBytes(3 * MIB), small: 'small', ok: randomBytes(2 * MIB) })
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await owner.close()
    await rot(copy, 'a', 2 * MIB)
    await rot(copy, 'small')
    expect(await status(copy)).toMatchObject({ changed: [], missing: [] })

    const sync = await TestSession.pull(copy, owner.link, { network: LISTENING, timeout: 0 })
    const address = `127.0.0.1:${/:(\d+)/.exec((await sync.event('network.ready')).listening[0] ?? '')?.[1]}`
    const peers = [address]
    const other = await TestSession.clone(owner.link.replace(/@.*/, ''), third, { network: { ...ALONE, peers } })
    await other.event('file.done', ({ path }) => path === 'ok')
    await sync.event('note', ({ message }) => message.startsWith('a is damaged here'))
    await sync.event('note', ({ message }) => message.startsWith('small is damaged here'))
    expect(other.all('file.done').map(({ path }) => path)).toEqual(['ok'])
    expect(Object.keys(await describeTree(third))).toEqual(['ok'])
    // Somebody else comes who has it.
    const again = await TestSession.share(source, { network: { ...LISTENING, peers } })
    const more = parseLink(again.link).addresses
    await other.close()
    const resumed = await TestSession.clone(owner.link.replace(/@.*/, ''), third, {
      network: { ...ALONE, peers: [...peers, ...more] }
    })
    expect(await resumed.done()).toMatchObject({ failures: [] })
    await same(third)
    await sync.close()

    expect((await status(copy)).missing.map(({ path }) => path)).toEqual(['a', 'small'])
    const pull = await TestSession.pull(copy, again.link)
    expect(await pull.failure()).toMatchObject({
      code: 'ALTERED',
      failures: [
        { path: 'a', reason: 'it is damaged here' },
        { path: 'small', reason: 'it is damaged here' }
      ]
    })
    await pull.close()
    expect((await verify(copy, again.link)).problems).toEqual([
      { path: 'a', problem: 'damaged' },
      { path: 'small', problem: 'damaged' }
    ])
    await same()
    expect(await status(copy)).toMatchObject({ missing: [], complete: true })
  })

  test('is not copied to other names', async () => {
    await writeOld({ a: randomBytes(3 * MIB) })
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await owner.close()
    await rot(copy, 'a', MIB)
    await copyFile(join(source, 'a'), join(source, 'b'))
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    const failure = await pull.failure()
    expect(failure).toMatchObject({ code: 'PARTIAL', failures: [{ path: 'b' }] })
    await pull.close()
    expect(Object.keys(await describeTree(copy))).toEqual(['a'])
    await verify(copy, again.link)
    const last = await TestSession.pull(copy, again.link)
    await last.done()
    await same()
  })
})

describe('files of a clone that were truncated, deleted or replaced', () => {
  test('are found and mended, double ones too', async () => {
    const data = randomBytes(2 * MIB)
    await writeOld({ cut: randomBytes(2 * MIB), gone: 'gone', other: 'other', twin: data, 'twin 2': data })
    const { owner, clone } = await shareAndClone(source, copy)
    await clone.close()
    await truncate(join(copy, 'cut'), MIB)
    await rm(join(copy, 'gone'))
    await writeFile(join(copy, 'other'), 'otter')
    await tamper(join(copy, 'twin'))
    expect((await status(copy)).changed).toEqual([
      { path: 'cut', reason: 'changed' },
      { path: 'gone', reason: 'deleted' },
      { path: 'other', reason: 'changed' },
      { path: 'twin', reason: 'changed' }
    ])
    expect((await verify(copy, owner.link)).problems).toEqual([
      { path: 'cut', problem: 'altered' },
      { path: 'gone', problem: 'missing' },
      { path: 'other', problem: 'altered' },
      { path: 'twin', problem: 'altered' }
    ])
    await same()
    expect((await verify(copy)).problems).toEqual([])
  })
})

describe('a file that the owner cannot read', () => {
  test('because its disk has damaged it: is not shared as it is, the clone ends and names it', async () => {
    await writeOld({ 'x/a': randomBytes(3 * MIB), b: 'b', z: randomBytes(MIB) })
    await sharedOnce()
    await rot(source, 'x/a', 2 * MIB)
    const good = await readFile(join(source, 'b'))
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const clone = await TestSession.clone(owner.link, copy)
    expect(await clone.failure()).toMatchObject({
      code: 'PARTIAL',
      failures: [{ path: 'x/a', reason: expect.stringContaining('cannot read it: its bytes changed') }]
    })
    await clone.close()
    expect(Object.keys(await describeTree(copy))).toEqual(['b', 'z'])
    expect(await readFile(join(copy, 'b'))).toEqual(good)
    expect(owner.all('file.failed').map(({ path }) => path)).toContain('x/a')
    await owner.close()
    // It is what it should be, says the owner.
    expect((await verify(source)).problems).toEqual([{ path: 'x/a', problem: 'damaged' }])
    await verify(source, owner.link)
    const again = await TestSession.share(source)
    await again.event('import.done')
    const pull = await TestSession.pull(copy, again.link)
    await pull.done()
    await same()
  })

  test('does not keep what comes after it from coming, though it is the first to be asked for', async () => {
    const old = { modified: OLD }
    await writeTree(source, { a: { content: 'a', ...old }, b: { content: randomBytes(5 * MIB), ...old }, c: 'c' })
    await sharedOnce()
    await rot(source, 'a')
    const owner = await TestSession.share(source)
    await owner.event('import.done')
    const clone = await TestSession.clone(owner.link, copy)
    await clone.event('file.done', ({ path }) => path === 'c')
    expect(clone.all('file.failed')).toEqual([])
    expect(await clone.failure()).toMatchObject({ code: 'PARTIAL', failures: [{ path: 'a' }] })
    expect(Object.keys(await describeTree(copy))).toEqual(['b', 'c'])
  })

  test.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
    'for lack of permission: the clone ends and names it; it comes once it can be read again',
    async () => {
      await writeOld({ 'dir/a': randomBytes(2 * MIB), b: 'b', c: 'c' })
      await chmod(join(source, '..'), 0o777)
      const { chown } = await import('node:fs/promises')
      for (const name of ['.', 'dir', 'dir/a', 'b', 'c']) await chown(join(source, name), 65534, 65534)
      // The superuser reads everything, so for a moment the tests are somebody else.
      process.seteuid?.(65534)
      try {
        const owner = await TestSession.share(source, { watch: true })
        await owner.event('import.done')
        await chmod(join(source, 'b'), 0)
        await chmod(join(source, 'dir'), 0)
        const clone = await TestSession.clone(owner.link, copy)
        expect(await clone.failure()).toMatchObject({
          code: 'PARTIAL',
          failures: [
            { path: 'b', reason: expect.stringContaining('permission denied') },
            { path: 'dir/a', reason: expect.stringContaining('permission denied') }
          ]
        })
        await clone.close()
        const known = owner.events.length
        await chmod(join(source, 'dir'), 0o755)
        await chmod(join(source, 'b'), 0o644)
        await owner.event('import.done', ({ skipped }) => skipped === 0, known)
        const pull = await TestSession.pull(copy, owner.link)
        await pull.done()
        await same()
      } finally {
        process.seteuid?.(0)
      }
    }
  )
})
