import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Room } from '../helpers/dat.js'
import { canShareBytes, copyOnWriteDisk } from '../helpers/disks.js'
import { ask } from '../helpers/gateway.js'
import { writeTree } from '../helpers/trees.js'

const MiB = 1024 * 1024
let room: Room
beforeEach(async () => {
  room = await Room.open()
})
afterEach(() => room.close())

describe('a share with history', () => {
  it('brings back what was, while it runs: by number, by a pinned link, and what was deleted', async () => {
    await writeTree(room.path('source'), { 'notes.txt': 'first', 'sub/gone.txt': 'to be removed' })
    const { share, link } = await room.share('source', ['--history'])
    const { version } = await share.waitFor('import.done')
    await writeFile(room.path('source/notes.txt'), 'second')
    await share.waitFor('import.done', (event) => event.changed === 1)
    await rm(room.path('source/sub/gone.txt'))
    await share.waitFor('import.done', (event) => event.removed === 1)

    const log = await room.dat(['log', 'source/notes.txt']).exits(0)
    const changes = log.all('change')
    expect(changes.map(({ op, path, bytes }) => [op, path, bytes])).toEqual([
      ['put', 'notes.txt', 5],
      ['put', 'notes.txt', 6]
    ])
    const { version: newest } = await (await room.dat(['status', 'source']).exits(0)).waitFor('status')
    for (const upTo of [[`${newest}`], []]) {
      const diff = await room.dat(['diff', `${version}`, ...upTo, 'source']).exits(0)
      const found = diff.all('difference').map(({ op, path }) => `${op} ${path}`)
      expect(found).toEqual(['changed notes.txt', 'removed sub/gone.txt'])
    }

    await room.dat(['clone', link.replace(/(@|$)/, `+${version}$1`), 'copy']).exits(0)
    expect(await readFile(room.path('copy/notes.txt'), 'utf8')).toBe('first')
    expect(await readFile(room.path('copy/sub/gone.txt'), 'utf8')).toBe('to be removed')
    await room.dat(['pull', 'copy']).exits(0)
    expect(await readFile(room.path('copy/notes.txt'), 'utf8')).toBe('first')

    const number = String(changes[0]?.version)
    const restored = await room.dat(['restore', 'source/notes.txt', '--version', number]).exits(0)
    expect(restored.all('restored')).toMatchObject([{ path: 'notes.txt', bytes: 5 }])
    expect(await readFile(room.path('source/notes.txt'), 'utf8')).toBe('first')
    await room.dat(['restore', 'sub', 'source', '--version', `${version}`]).exits(0)
    expect(await readFile(room.path('source/sub/gone.txt'), 'utf8')).toBe('to be removed')
    await share.stop()

    // It stays on without being named.
    const again = await room.share('source')
    await again.share.waitFor('import.done')
    await appendFile(room.path('source/notes.txt'), ' and more')
    await again.share.waitFor('import.done', (event) => event.changed === 1)
    await again.share.stop()
    await room.dat(['restore', 'notes.txt', 'source', '--version', number]).exits(0)
    const pruned = await room.dat(['prune', 'source', '--keep', '1']).exits(0)
    expect(Number(pruned.all('pruned')[0]?.contents)).toBeGreaterThan(0)
    const gone = await room.dat(['restore', 'notes.txt', 'source', '--version', String(changes[1]?.version)]).exits(3)
    expect(await gone.waitFor('error')).toMatchObject({ code: 'PARTIAL' })
  })

  it('is shown to browsers too: the content that a file had in an older version', async () => {
    await writeTree(room.path('source'), { 'notes.txt': 'first' })
    const { share } = await room.share('source', ['--history'])
    const { version } = await share.waitFor('import.done')
    await writeFile(room.path('source/notes.txt'), 'second')
    await share.waitFor('import.done', (event) => event.changed === 1)
    const serve = room.dat(['serve', 'source', '--listen', '127.0.0.1:0'])
    const { origin, search } = new URL(String((await serve.waitFor('gateway')).url))
    expect((await ask(`${origin}/notes.txt${search}`)).text).toBe('second')
    expect((await ask(`${origin}/notes.txt${search}&version=${version}`)).text).toBe('first')
  })

  it.runIf(canShareBytes)('takes no space for what did not change, where the file system can', async () => {
    const disk = await copyOnWriteDisk(256)
    const source = join(disk, 'source')
    await writeTree(source, { big: randomBytes(48 * MiB) })
    const free = async (): Promise<number> => {
      execFileSync('sync', ['-f', disk])
      const { bavail, bsize } = await statfs(disk)
      return bavail * bsize
    }
    const before = await free()
    const { share } = await room.share(source, ['--history'])
    const { version } = await share.waitFor('import.done')
    const first = await readFile(join(source, 'big'))
    await appendFile(join(source, 'big'), 'x')
    await share.waitFor('import.done', (event) => event.changed === 1)
    await share.stop()
    // The index itself takes a few megabytes.
    expect(before - (await free())).toBeLessThan(16 * MiB)
    await room.dat(['restore', 'big', source, '--version', `${version}`]).exits(0)
    expect((await readFile(join(source, 'big'))).equals(first)).toBe(true)
  })
})
