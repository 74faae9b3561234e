import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Dat, Room } from '../helpers/dat.js'
import { describeTree, PLAIN_TREE, writeTree } from '../helpers/trees.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
  await writeTree(room.path('source'), PLAIN_TREE)
})
afterEach(() => room.close())

async function cloned(args: readonly string[] = []): Promise<{ share: Dat; link: string }> {
  const { share, link } = await room.share('source', args)
  await share.waitFor('import.done')
  await room.dat(['clone', link, 'copy']).exits(0)
  return { share, link }
}

const same = async () => expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))

describe('pull', () => {
  it('brings changed, new, moved and deleted files', async () => {
    const { share } = await cloned()
    await share.stop()
    await writeFile(room.path('source', 'readme.md'), '# New\n')
    await writeTree(room.path('source'), { 'new/file.txt': 'new', 'another empty folder': { folder: true } })
    await rename(room.path('source', 'data', 'raw', 'scan.bin'), room.path('source', 'moved.bin'))
    await rm(room.path('source', 'data', '2026-03-02.csv'))
    const again = await room.share('source')
    const imported = await again.share.waitFor('import.done')
    expect(imported).toMatchObject({ changed: 1 })
    const pull = await room.dat(['pull', 'copy']).exits(0)
    const done = await pull.waitFor('done')
    expect(done.version).toBe(imported.version)
    // What only moved is here already.
    expect(Number(done.downloadedBytes)).toBeLessThan(1000)
    await same()
  })

  it('has nothing to do the second time', async () => {
    await cloned()
    const pull = await room.dat(['pull'], { cwd: room.path('copy') }).exits(0)
    expect(await pull.waitFor('done')).toMatchObject({ downloadedBytes: 0, files: 5 })
  })

  it('does not overwrite what was altered here, unless told to', async () => {
    const { share } = await cloned()
    await writeFile(room.path('copy', 'readme.md'), 'my own notes')
    const imports = share.events.length
    await writeFile(room.path('source', 'readme.md'), 'theirs')
    await share.waitFor('import.done', (event) => event.changed === 1, imports)
    const refused = await room.dat(['pull', 'copy']).exits(13)
    expect(await refused.waitFor('error')).toMatchObject({ code: 'ALTERED', exitCode: 13 })
    expect(JSON.stringify(await refused.waitFor('error'))).toContain('readme.md')
    expect((await describeTree(room.path('copy')))['readme.md']).not.toBe(
      (await describeTree(room.path('source')))['readme.md']
    )
    await room.dat(['pull', 'copy', '--force']).exits(0)
    await same()
  })

  it('leaves files alone that are not part of the share', async () => {
    const { share } = await cloned()
    await writeFile(room.path('copy', 'mine.txt'), 'mine')
    const imports = share.events.length
    await rm(room.path('source', 'readme.md'))
    await share.waitFor('import.done', (event) => event.removed === 1, imports)
    await room.dat(['pull', 'copy']).exits(0)
    const { 'mine.txt': mine, ...rest } = await describeTree(room.path('copy'))
    expect(mine).toBeDefined()
    expect(rest).toEqual(await describeTree(room.path('source')))
  })
})

describe('sync', () => {
  it('follows a living source', async () => {
    const { share } = await cloned()
    const sync = room.dat(['sync', 'copy'])
    await sync.waitFor('done')
    const follow = async (version: unknown) => {
      await sync.waitFor('done', (event) => Number(event.version) >= Number(version))
      await same()
    }
    let seen = share.events.length
    await writeFile(room.path('source', 'live.csv'), randomBytes(100_000))
    await follow((await share.waitFor('import.done', (event) => event.added === 1, seen)).version)
    seen = share.events.length
    await writeFile(room.path('source', 'live.csv'), randomBytes(200_000))
    await follow((await share.waitFor('import.done', (event) => event.changed === 1, seen)).version)
    seen = share.events.length
    await rm(room.path('source', 'live.csv'))
    await follow((await share.waitFor('import.done', (event) => event.removed === 1, seen)).version)
    await sync.stop()
    expect(await sync.exit).toBe(130)
  })

  it('serves the clone to others while the source is away', async () => {
    const { share, link } = await cloned()
    await share.stop()
    const sync = room.dat(['sync', 'copy', '--timeout', '0'])
    await sync.waitFor('network.ready')
    await room.dat(['clone', link, 'third']).exits(0)
    expect(await describeTree(room.path('third'))).toEqual(await describeTree(room.path('source')))
  })

  it('is the same as share in a folder that is one’s own', async () => {
    const { share, link } = await cloned()
    await share.stop()
    const sync = room.dat(['sync', 'source'])
    expect((await sync.waitFor('link')).link).toBe(link)
    expect(await sync.waitFor('import.done')).toMatchObject({ added: 0, changed: 0 })
    await room.dat(['clone', link, 'third']).exits(0)
  })
})

describe('share', () => {
  it('takes no notice of changes with --no-watch', async () => {
    const { share } = await cloned(['--no-watch'])
    await writeFile(room.path('source', 'late.txt'), 'late')
    await room.dat(['pull', 'copy']).exits(0)
    expect(share.all('import.done')).toHaveLength(1)
    expect(Object.keys(await describeTree(room.path('copy')))).not.toContain('late.txt')
  })
})
