import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type * as status from '../../src/core/status.js'
import type * as verify from '../../src/core/verify.js'
import { ALONE, built, TestSession, temporaryFolder } from '../helpers/core.js'
import { writeTree } from '../helpers/trees.js'

test('a clone of a part stays one: pull, status and verify keep to it', async () => {
  const source = join(await temporaryFolder(), 'source')
  const copy = join(await temporaryFolder(), 'copy')
  await writeTree(source, { 'a.csv': 'a', 'b.bin': 'bb', 'raw/c.csv': 'ccc' })
  const owner = await TestSession.share(source, { watch: true })
  const clone = await TestSession.clone(owner.link, copy, { include: ['*.csv'], exclude: ['raw'] })
  expect(await clone.done()).toMatchObject({ files: 1 })
  await clone.close()

  await writeTree(source, { 'd.csv': 'dddd', 'e.bin': 'eeeee' })
  await owner.event('import.done', ({ filesTotal }) => filesTotal > 0, owner.events.length)
  const pull = await TestSession.pull(copy, owner.link)
  await pull.done()
  await pull.close()
  expect((await readdir(copy)).sort()).toEqual(['.dat', 'a.csv', 'd.csv'])

  const { readStatus } = await built<typeof status>('core/status')
  const signal = new AbortController().signal
  expect(await readStatus({ dir: copy, store: null, signal })).toMatchObject({ complete: true, missing: [] })
  const { verify: check } = await built<typeof verify>('core/verify')
  const report = () => {}
  const options = { dir: copy, store: null, network: ALONE, report, signal, repair: false, timeout: 1 }
  expect((await check(options)).problems).toEqual([])
})
