import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { TestSession, temporaryFolder } from '../helpers/core.js'
import { describeTree, writeTree } from '../helpers/trees.js'

let source: string
let store: string
let copy: string
beforeEach(async () => {
  const room = await temporaryFolder()
  source = join(room, 'source')
  store = join(room, 'store')
  copy = join(room, 'copy')
})

test('a folder that is empty, as when its disk is not mounted, is not a share whose files were deleted', async () => {
  await writeTree(source, { a: 'a', 'b/c': 'c' })
  const first = await TestSession.share(source, { store })
  const { version } = await first.event('import.done')
  await first.close()
  await rename(source, `${source}.unmounted`)
  await mkdir(source)
  await expect(TestSession.share(source, { store })).rejects.toMatchObject({ code: 'SOURCE' })
  await rm(source, { recursive: true })
  await rename(`${source}.unmounted`, source)
  const again = await TestSession.share(source, { store })
  expect(await again.event('import.done')).toMatchObject({ version, removed: 0, filesTotal: 2 })
})

test('a folder that is unmounted while it is shared ends the share, and removes nothing from it', async () => {
  await writeTree(source, { a: 'a', 'b/c': 'c' })
  const expected = await describeTree(source)
  const first = await TestSession.share(source, { store, watch: true })
  await first.event('import.done')
  await rename(source, `${source}.unmounted`)
  await mkdir(source)
  await writeFile(join(source, 'other'), '')
  await expect(first.session.finished).rejects.toMatchObject({ code: 'SOURCE' })
  await first.close()
  await rm(source, { recursive: true })
  await rename(`${source}.unmounted`, source)
  const again = await TestSession.share(source, { store })
  expect(await again.event('import.done')).toMatchObject({ removed: 0 })
  const clone = await TestSession.clone(again.link, copy)
  await clone.event('done')
  expect(await describeTree(copy)).toEqual(expected)
})

test('an index whose making failed at its first file is made anew', async () => {
  await writeTree(source, { a: 'a', '.dat/index/CORESTORE': '' })
  const share = await TestSession.share(source)
  expect(await share.event('import.done')).toMatchObject({ filesTotal: 1 })
})

test('an empty folder can be shared, and one that became empty while it was shared too', async () => {
  await mkdir(source)
  const share = await TestSession.share(source, { watch: true })
  expect(await share.event('import.done')).toMatchObject({ filesTotal: 0 })
  await writeFile(join(source, 'a'), 'a')
  await share.event('import.done', ({ added }) => added === 1)
  await rm(join(source, 'a'))
  await share.event('import.done', ({ removed }) => removed === 1)
})

test('a share of which everything is ignored says so instead of sharing nothing', async () => {
  await writeTree(source, { 'a.tmp': 'a', 'b/c.tmp': 'c' })
  const share = await TestSession.share(source, { ignore: ['*.tmp'] })
  await expect(share.session.finished).rejects.toMatchObject({ code: 'EMPTY_SHARE' })
})
