import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Room } from '../helpers/dat.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
})
afterEach(() => room.close())

it('what a kill -9 leaves in the folder for temporary files is removed by the next command, and nothing else', async () => {
  await mkdir(room.path('data'))
  await writeFile(room.path('data', 'a.txt'), 'a')
  await mkdir(room.path('tmp', 'dat-read-theirs'), { recursive: true })
  const env = { TMPDIR: room.path('tmp') }
  const { share, link } = await room.share('data')
  await share.waitFor('import.done')
  const killed = room.dat(['serve', link], { env })
  await killed.waitFor('gateway')
  const alive = room.dat(['serve', link], { env })
  await alive.waitFor('gateway')
  expect(await readdir(room.path('tmp'))).toHaveLength(3)
  killed.kill('SIGKILL')
  await killed.exit
  expect(await readdir(room.path('tmp'))).toHaveLength(3)
  await room.dat(['ls', link], { env }).exits(0)
  expect((await readdir(room.path('tmp'))).sort()).toEqual(['dat-read-theirs', expect.stringMatching(/^dat-serve-/)])
  await alive.stop()
  expect(await readdir(room.path('tmp'))).toEqual(['dat-read-theirs'])
})
