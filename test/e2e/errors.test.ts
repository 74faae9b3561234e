import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatLink } from '../../src/base/link.js'
import { Room } from '../helpers/dat.js'
import { writeTree } from '../helpers/trees.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
})
afterEach(() => room.close())

const nobodys = () => formatLink(randomBytes(32))

/** Runs dat twice, for a script and for a person, and checks that both are told the same. */
async function fails(args: readonly string[], exitCode: number, code: string) {
  const json = await room.dat(args).exits(exitCode)
  const error = await json.waitFor('error')
  expect(error).toMatchObject({ v: 1, code, exitCode })
  expect(String(error.message).length).toBeGreaterThan(5)
  expect(String(error.hint).length).toBeGreaterThan(5)
  expect(json.events.at(-1)).toBe(error)
  const text = await room.dat(args, { text: true }).exits(exitCode)
  expect(text.stderr).toContain(`error: ${error.message}`)
  expect(text.stderr).toContain(String(error.hint))
  expect(text.stderr).not.toMatch(/^\s+at /m)
  expect(text.stdout).toBe('')
  return error
}

describe('wrong usage', () => {
  it.each([
    ['an unknown command', ['stauts']],
    ['an unknown option', ['share', '--bogus']],
    ['too many arguments', ['share', 'a', 'b']],
    ['no link', ['clone']],
    ['a bad number', ['ls', nobodys(), '--timeout', 'soon']],
    ['a bad address', ['share', '.', '--listen', 'here']],
    ['a bad bootstrap', ['share', '.', '--bootstrap', 'nowhere']]
  ])('%s', async (_name, args) => {
    await fails(args, 2, 'USAGE')
  })

  it('a folder that does not exist', async () => {
    const error = await fails(['share', 'nowhere'], 2, 'NOT_A_FOLDER')
    expect(error.message).toContain('nowhere')
  })

  it.each(['pull', 'sync', 'status', 'verify', 'ls', 'log'])(
    'dat %s in a folder that is no clone, and in none',
    async (command) => {
      await writeTree(room.path('plain'), { 'a.txt': 'a' })
      await fails([command, 'plain'], 2, 'NOT_A_CLONE')
      expect(await readdir(room.path('plain'))).toEqual(['a.txt'])
      const none = await room.dat([command, 'nowhere']).exits(2)
      expect(await none.waitFor('error')).toMatchObject({ exitCode: 2 })
      expect(await readdir(room.dir)).not.toContain('nowhere')
    }
  )

  it('a version that there is not', async () => {
    await writeTree(room.path('source'), { 'a.txt': 'a' })
    const { share, link } = await room.share('source')
    await share.waitFor('import.done')
    const pinned = link.replace(/(@|$)/, '+999$1')
    expect((await fails(['clone', pinned, 'copy'], 2, 'NO_VERSION')).message).toContain('the newest is')
    await fails(['ls', 'source', '--version', '999'], 2, 'NO_VERSION')
    await fails(['diff', 'x', '1', 'source'], 2, 'USAGE')
  })
})

describe('links', () => {
  const link = nobodys()
  it.each([
    ['of 51 characters', link.slice(0, -1)],
    ['of 53 characters', `${link}y`],
    ['of 63 hex digits', randomBytes(32).toString('hex').slice(1)],
    ['with a wrong letter', `${link.slice(0, -1)}0`],
    ['with a port that is none', `${link}@host:99999`]
  ])('%s', async (_name, text) => {
    await fails(['clone', text, 'copy'], 10, 'NOT_A_LINK')
    expect(await readdir(room.dir)).not.toContain('copy')
  })

  it('that nobody shares: gives up in time, and leaves no folder that is in the way', async () => {
    const link = nobodys()
    const error = await fails(['clone', link, 'copy', '--timeout', '2'], 11, 'NO_PEER')
    expect(JSON.stringify(error)).not.toContain(link.slice(6))
    expect(String(error.hint)).toContain('dat doctor')
    await fails(['ls', link, '--timeout', '2'], 11, 'NO_PEER')
  })
})

describe('destinations', () => {
  it('a folder with other files is left alone', async () => {
    await writeTree(room.path('source'), { 'a.txt': 'theirs' })
    await writeTree(room.path('copy'), { 'a.txt': 'mine' })
    const { link } = await room.share('source')
    await fails(['clone', link, 'copy'], 13, 'DESTINATION_OCCUPIED')
    expect(await readdir(room.path('copy'))).toEqual(['a.txt'])
    expect(await readFile(room.path('copy', 'a.txt'), 'utf8')).toBe('mine')
  })

  it('a file is left alone', async () => {
    await writeTree(room.path('source'), { 'a.txt': 'theirs' })
    await writeFile(room.path('copy'), 'mine')
    const { link } = await room.share('source')
    await fails(['clone', link, 'copy'], 13, 'DESTINATION_OCCUPIED')
    expect(await readFile(room.path('copy'), 'utf8')).toBe('mine')
  })

  it('an empty folder is as good as none', async () => {
    await writeTree(room.path('source'), { 'a.txt': 'theirs' })
    await writeTree(room.path('copy'), {})
    const { link } = await room.share('source')
    await room.dat(['clone', link, 'copy']).exits(0)
  })

  it('a clone of something else is left alone', async () => {
    await writeTree(room.path('one'), { 'a.txt': 'one' })
    await writeTree(room.path('two'), { 'a.txt': 'two' })
    const one = await room.share('one')
    const two = await room.share('two')
    await room.dat(['clone', one.link, 'copy']).exits(0)
    await fails(['clone', two.link, 'copy'], 13, 'DESTINATION_OTHER')
    expect(await readFile(room.path('copy', 'a.txt'), 'utf8')).toBe('one')
  })
})

describe('the index', () => {
  it('that another dat uses', async () => {
    await writeTree(room.path('source'), { 'a.txt': 'a' })
    const { share } = await room.share('source')
    await share.waitFor('import.done')
    const second = await fails(['share', 'source'], 14, 'INDEX_LOCKED')
    expect(String(second.message)).toContain(`\`dat share\`, process ${share.pid} on this computer`)
    await share.stop()
    await (await room.share('source')).share.waitFor('import.done')
  })

  it('that is damaged: says so, and touches no file', async () => {
    await writeTree(room.path('source'), { 'a.txt': 'a' })
    const { share } = await room.share('source')
    await share.waitFor('import.done')
    await share.stop()
    await damage(room.path('source', '.dat'))
    const error = await fails(['share', 'source'], 14, 'INDEX_DAMAGED')
    expect(error.hint).toContain('.dat')
    expect(await readFile(room.path('source', 'a.txt'), 'utf8')).toBe('a')
  })
})

/** Overwrites the files by which a RocksDB finds its way. */
async function damage(store: string): Promise<void> {
  const files = await readdir(store, { recursive: true })
  const vital = files.filter((name) => /(?:^|\/)(?:MANIFEST-\d+|CURRENT)$/.test(name))
  expect(vital.length).toBeGreaterThan(0)
  for (const name of vital) await writeFile(join(store, name), 'garbage\n')
}
