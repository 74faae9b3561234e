import { readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Dat, Room } from '../helpers/dat.js'
import { describeTree, PLAIN_TREE, writeTree } from '../helpers/trees.js'

let room: Room
let share: Dat
let link: string
beforeEach(async () => {
  room = await Room.open()
  await writeTree(room.path('source'), { ...PLAIN_TREE, 'a link': { link: 'readme.md' } })
  ;({ share, link } = await room.share('source'))
  await share.waitFor('import.done')
})
afterEach(() => room.close())

const clone = () => room.dat(['clone', link, 'copy']).exits(0)
const name = (path: unknown) => String(path).replace(/^\//, '')

describe('dat ls', () => {
  it('lists a share from afar without downloading it, and a folder that is here', async () => {
    const far = await room.dat(['ls', link]).exits(0)
    const files = far.all('file')
    expect(files.map(({ path }) => name(path)).sort()).toEqual(['a link', ...Object.keys(PLAIN_TREE)].sort())
    expect(files.find(({ path }) => name(path) === 'data/raw/scan.bin')).toMatchObject({
      bytes: 3 * 1024 * 1024 + 17,
      kind: 'file',
      executable: false
    })
    expect(files.find(({ path }) => name(path) === 'scripts/run.sh')).toMatchObject({ executable: true })
    expect(files.find(({ path }) => name(path) === 'a link')).toMatchObject({ kind: 'link' })
    expect(
      far.all('file').every(({ modified }) => modified === null || !Number.isNaN(Date.parse(String(modified))))
    ).toBe(true)
    expect(far.all('download.progress')).toEqual([])
    await share.stop()
    const near = await room.dat(['ls', 'source']).exits(0)
    expect(near.all('file').map(({ path }) => path)).toEqual(files.map(({ path }) => path))
  })

  it('lists one folder or file, and says when there is none', async () => {
    for (const args of [[link, 'data'], [`${link}/data`], [`${link}/data/`]]) {
      const ls = await room.dat(['ls', ...args]).exits(0)
      expect(ls.all('file').map(({ path }) => name(path))).toEqual([
        'data/2026-03-01.csv',
        'data/2026-03-02.csv',
        'data/raw/scan.bin'
      ])
    }
    expect((await room.dat(['ls', link, 'readme.md']).exits(0)).all('file')).toHaveLength(1)
    expect(await (await room.dat(['ls', link, 'nothing']).exits(2)).waitFor('error')).toMatchObject({ code: 'USAGE' })
  })

  it('is a table for people', async () => {
    const ls = await room.dat(['ls', link, '--quiet'], { text: true }).exits(0)
    expect(ls.stdout).toMatch(/^ {2}3\.1 MB {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}data\/raw\/scan\.bin$/m)
    expect(ls.stderr).toBe('')
  })
})

describe('dat status', () => {
  it('tells owner and clone what they have', async () => {
    await share.stop()
    const owner = await (await room.dat(['status', 'source']).exits(0)).waitFor('status')
    expect(owner).toMatchObject({
      link,
      role: 'owner',
      files: 6,
      complete: true,
      missing: [],
      missingBytes: 0,
      changed: []
    })
    await writeFile(room.path('source', 'readme.md'), 'changed')
    await writeFile(room.path('source', 'new.txt'), 'new')
    await rm(room.path('source', 'scripts', 'run.sh'))
    const later = await (await room.dat(['status', 'source']).exits(0)).waitFor('status')
    const changed = (later.changed as { path: string; reason: string }[]).map(
      ({ path, reason }) => `${reason} ${name(path)}`
    )
    expect(changed.sort()).toEqual(['changed readme.md', 'deleted scripts/run.sh', 'new new.txt'])
  })

  it('works without any network, for a clone too', async () => {
    await clone()
    await share.stop()
    const status = await room.dat(['status'], { cwd: room.path('copy') }).exits(0)
    expect(await status.waitFor('status')).toMatchObject({
      link,
      role: 'clone',
      dir: room.path('copy'),
      complete: true,
      files: 6
    })
    expect(status.all('network.ready')).toEqual([])
  })
})

describe('dat log', () => {
  it('has one line for each change, the oldest first', async () => {
    const seen = share.events.length
    await writeFile(room.path('source', 'readme.md'), 'changed')
    await share.waitFor('import.done', (event) => event.changed === 1, seen)
    const next = share.events.length
    await rm(room.path('source', 'data', '2026-03-01.csv'))
    await share.waitFor('import.done', (event) => event.removed === 1, next)
    const log = await room.dat(['log', link]).exits(0)
    const changes = log.all('change')
    const versions = changes.map(({ version }) => Number(version))
    expect(versions).toEqual([...versions].sort((a, b) => a - b))
    expect(changes.at(-2)).toMatchObject({ op: 'put', bytes: 7 })
    expect(name(changes.at(-2)?.path)).toBe('readme.md')
    expect(changes.at(-1)).toMatchObject({ op: 'del' })
    expect(name(changes.at(-1)?.path)).toBe('data/2026-03-01.csv')
    await share.stop()
    const near = await room.dat(['log', 'source']).exits(0)
    expect(near.all('change').map(({ time: _, ...rest }) => rest)).toEqual(changes.map(({ time: _, ...rest }) => rest))
  })
})

describe('dat verify', () => {
  it('is content with what is right', async () => {
    await clone()
    await share.stop()
    for (const dir of ['source', 'copy']) {
      const verified = await (await room.dat(['verify', dir]).exits(0)).waitFor('verified')
      expect(verified).toMatchObject({ problems: 0, repaired: 0 })
    }
  })

  it('finds damage behind an unchanged date, what is missing, and repairs both from a peer', async () => {
    await clone()
    const path = room.path('copy', 'data', 'raw', 'scan.bin')
    const bytes = await readFile(path)
    const modified = new Date('2026-01-01')
    bytes[2_000_000] = (bytes[2_000_000] ?? 0) ^ 1
    await writeFile(path, bytes)
    await utimes(path, modified, modified)
    await rm(room.path('copy', 'data', '2026-03-01.csv'))
    await truncate(room.path('copy', 'readme.md'), 3)
    const bad = await room.dat(['verify', 'copy']).exits(3)
    const found = bad.all('problem').map(({ path, problem }) => `${name(path)}: ${problem}`)
    expect(found).toHaveLength(3)
    expect(found).toContainEqual('data/2026-03-01.csv: missing')
    expect(found.join()).toMatch(/scan\.bin: (damaged|altered)/)
    expect(found.join()).toMatch(/readme\.md: (damaged|altered)/)
    expect((await bad.waitFor('error')).hint).toContain('--repair')
    await room.dat(['verify', 'copy', '--repair']).exits(0)
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
    expect((await room.dat(['verify', 'copy']).exits(0)).all('problem')).toEqual([])
  })
})
