import { spawn } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Room } from '../helpers/dat.js'
import { writeTree } from '../helpers/trees.js'

const BIN = fileURLToPath(new URL('../../bin/dat.js', import.meta.url))
let room: Room
beforeEach(async () => {
  room = await Room.open()
  await writeTree(room.path('data'), { 'a.csv': 'a,b\n', 'sub/b.csv': 'b,c\n' })
})
afterEach(() => room.close())

const keyOf = (link: string) => /[a-z0-9]{52}/.exec(link)?.[0] as string

test.runIf(process.platform === 'linux')('a link is not to be read in the list of processes', async () => {
  const { link } = await room.share(room.path('data'), ['--listen', '127.0.0.1:0', '--no-lan'])
  const sync = room.dat(['clone', link, room.path('copy'), '--no-lan'])
  await sync.exits(0)
  // It looks for a peer that is gone, for as long as this takes.
  const waiting = room.dat([
    'clone',
    keyOf(link),
    room.path('other'),
    '--timeout',
    '0',
    '--no-lan',
    '--listen',
    '127.0.0.1:0'
  ])
  await waiting.waitFor('network.ready')
  const line = (await readFile(`/proc/${waiting.pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
  expect(line).not.toContain(keyOf(link))
  // The standalone build stands behind the loader of its own C library.
  expect(line).toMatch(/(?:^| )dat clone \(hidden\) .*other --timeout 0/)
  await waiting.stop()
})

test('a link can come from standard input', async () => {
  const { link } = await room.share(room.path('data'), ['--listen', '127.0.0.1:0', '--no-lan'])
  const env = { ...process.env, DAT_BOOTSTRAP: 'none', DAT_LAN_INTERFACE: '127.0.0.1', DAT_HOME: room.path('.home') }
  const clone = (input: string) =>
    new Promise<number | null>((resolve) => {
      const child = spawn(process.execPath, [BIN, 'clone', '-', room.path('copy'), '--no-lan'], {
        env,
        stdio: ['pipe', 'ignore', 'ignore']
      })
      child.stdin.end(input)
      child.on('close', resolve)
    })
  expect(await clone('')).toBe(2)
  expect(await clone('not a link\n')).toBe(10)
  expect(await clone(`${link}\nand more\n`)).toBe(0)
  expect(await readFile(room.path('copy', 'a.csv'), 'utf8')).toBe('a,b\n')
})

test.runIf(process.platform !== 'win32')(
  'keys and the index are for their owner alone, whatever the umask',
  async () => {
    const before = process.umask(0)
    try {
      const { share, link } = await room.share(room.path('data'), ['--listen', '127.0.0.1:0', '--no-lan', '--debug'])
      await room.dat(['clone', link, room.path('copy'), '--no-lan', '--debug']).exits(0)
      await share.stop()
      expect(share.stderr).not.toContain(keyOf(link))
    } finally {
      process.umask(before)
    }
    for (const dir of ['data', 'copy']) {
      const store = room.path(dir, '.dat')
      // What lies below a folder that nobody else may enter is out of reach, whatever its own bits are.
      for (const folder of [store, join(store, 'index')]) expect((await stat(folder)).mode & 0o777).toBe(0o700)
    }
  }
)

test('the key is in no event but the link’s own, nor in an error', async () => {
  const { share, link } = await room.share(room.path('data'), ['--listen', '127.0.0.1:0', '--no-lan'])
  const clone = room.dat(['clone', link, room.path('copy'), '--no-lan'])
  await clone.exits(0)
  await writeFile(room.path('file'), 'in the way')
  const refused = room.dat(['clone', link, room.path('file'), '--no-lan', '--debug'])
  await refused.exits(13)
  await share.stop()
  for (const dat of [share, clone, refused]) {
    const others = dat.events.filter(({ type }) => type !== 'link')
    expect(JSON.stringify(others)).not.toContain(keyOf(link))
    expect(dat.stderr).not.toContain(keyOf(link))
  }
})
