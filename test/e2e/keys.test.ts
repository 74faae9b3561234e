import { readFile, stat, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Dat, Room } from '../helpers/dat.js'
import { describeTree, PLAIN_TREE, writeTree } from '../helpers/trees.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
  await writeTree(room.path('a'), PLAIN_TREE)
  await writeFile(room.path('pass'), 'six frogs in a bottle\n')
})
afterEach(() => room.close())

/** Runs dat as on computer A, B or C: each has a home of its own. */
const on = (computer: string, ...args: string[]): Dat =>
  room.dat(args, { env: { DAT_HOME: room.path(`home-${computer}`) } })
const PASS = ['--passphrase-file', 'pass']

async function share(computer: string, dir: string): Promise<{ running: Dat; link: string }> {
  const running = on(computer, 'share', dir)
  const { link } = await running.waitFor('link')
  return { running, link: String(link) }
}

/** A shares, B and C have clones, and A has exported the keys. */
async function exported() {
  const { running, link } = await share('a', 'a')
  await running.waitFor('import.done')
  for (const computer of ['b', 'c']) await on(computer, 'clone', link, computer).exits(0)
  await running.stop()
  const done = await on('a', 'keys', 'export', 'a', '--out', 'keys', ...PASS).exits(0)
  return { link, row: await done.waitFor('keys.exported') }
}

describe('a share whose keys were moved', () => {
  it('goes on at the new owner under the same link, and a clone fetches nothing twice', async () => {
    const { link, row } = await exported()
    expect((await stat(room.path('keys'))).mode & 0o777).toBe(0o600)
    expect(await (await on('a', 'keys', 'a').exits(0)).waitFor('keys')).toMatchObject({
      role: 'former',
      link,
      exported: { id: row.id, file: 'keys' }
    })
    // The former owner serves what it has, while the new one takes over.
    const former = await share('a', 'a')
    expect(former.running.all('note').map(({ message }) => message)).toContainEqual(
      expect.stringContaining('changes here are not shared')
    )
    await writeFile(room.path('slip'), 'six frogs in a bucket')
    const slip = await on('b', 'keys', 'import', 'keys', 'b', '--passphrase-file', 'slip').exits(12)
    expect(slip.all('error')).toMatchObject([{ code: 'PASSPHRASE', exitCode: 12 }])
    expect(slip.stdout + slip.stderr).not.toContain('frogs')
    const taken = await on('b', 'keys', 'import', 'keys', 'b', ...PASS).exits(0)
    expect(taken.all('keys.imported')).toMatchObject([{ checked: true, changed: 0 }])
    expect(taken.stdout + taken.stderr).not.toContain(link.slice(6))
    expect(await (await on('b', 'keys', 'b').exits(0)).waitFor('keys')).toMatchObject({ role: 'owner', link })

    await writeFile(room.path('a', 'not-shared.txt'), 'the former owner cannot share this')
    await writeFile(room.path('b', 'new.txt'), 'from the new owner')
    const owner = await share('b', 'b')
    await owner.running.waitFor('import.done')
    const pull = await on('c', 'pull', 'c').exits(0)
    expect(pull.all('done')).toMatchObject([{ downloadedBytes: 'from the new owner'.length }])
    expect(await describeTree(room.path('c'))).toEqual(await describeTree(room.path('b')))
    // And it follows, as a clone.
    await former.running.waitFor('file.done', ({ path }) => path === 'new.txt')
    expect(await readFile(room.path('a', 'not-shared.txt'), 'utf8')).toContain('cannot')
    expect(await readFile(room.path('c', 'new.txt'), 'utf8')).toBe('from the new owner')
    expect(owner.running.all('error')).toEqual([])
    await expect(stat(room.path('b', 'not-shared.txt'))).rejects.toThrow('ENOENT')
  })
})
