import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { datKeys, readState, STATE } from '../../src/core/entry.js'
import { TOTALS, type Totals } from '../../src/core/totals.js'
import { TestSession, temporaryFolder } from '../helpers/core.js'
import { withIndex } from '../helpers/damage.js'
import { writeTree } from '../helpers/trees.js'

let source: string
beforeEach(async () => {
  source = join(await temporaryFolder(), 'source')
})

/** Of 4 files and a link, 12 bytes. */
const TREE = { a: 'one', 'b/c': 'three', 'b/d': 'four', e: '', 'b/l': { link: 'c' }, f: { folder: true as const } }
const WHOLE = { filesDone: 5, filesTotal: 5, bytesDone: 12, bytesTotal: 12 }

/** What peers are told. */
const marker = () =>
  withIndex(source, async ({ drive }) => readState((await drive.db.get<unknown>(STATE, datKeys))?.value))

test('an import of one folder says how much is shared in all', async () => {
  await writeTree(source, TREE)
  const owner = await TestSession.share(source, { watch: true })
  expect(await owner.event('import.done')).toMatchObject({ ...WHOLE, added: 6 })
  let seen = owner.events.length
  await writeFile(join(source, 'b', 'new'), '12345678')
  expect(await owner.event('import.done', ({ added }) => added === 1, seen)).toMatchObject({
    ...{ filesDone: 6, filesTotal: 6, bytesDone: 20, bytesTotal: 20 },
    ...{ added: 1, changed: 0, removed: 0 }
  })
  seen = owner.events.length
  await rm(join(source, 'b', 'c'))
  expect(await owner.event('import.done', ({ removed }) => removed === 1, seen)).toMatchObject({
    ...{ filesDone: 5, filesTotal: 5, bytesDone: 15, bytesTotal: 15 }
  })
})

/** The index as a kill leaves it: some files belong to a batch that was not done. */
async function cutOff(paths: readonly string[]): Promise<void> {
  await withIndex(source, async ({ index }) => {
    const totals = (await index.getMeta<Totals>(TOTALS)) as Totals
    const batch = index.batch()
    for (const path of paths) {
      const record = await index.get(path)
      if (!record) throw new Error(`the index does not know ${path}`)
      batch.put({ ...record, state: 'indexing' }, record)
      totals.files--
      totals.bytes -= record.size
    }
    batch.putMeta(TOTALS, totals)
    await batch.flush()
  })
}

test.each([
  ['are there still', [], WHOLE],
  ['are gone', ['a', 'b/c'], { filesDone: 3, filesTotal: 3, bytesDone: 4, bytesTotal: 4 }]
])('files that were being added when a share was killed, and %s, are counted once', async (_name, gone, totals) => {
  await writeTree(source, TREE)
  const first = await TestSession.share(source)
  await first.event('import.done')
  await first.close()
  await cutOff(['a', 'b/c'])
  for (const path of gone) await rm(join(source, path))
  const again = await TestSession.share(source)
  expect(await again.event('import.done')).toMatchObject(totals)
  await again.close()
  expect(await marker()).toMatchObject({ complete: true, files: totals.filesTotal, bytes: totals.bytesTotal })
})

test('totals that are wrong for whatever reason are corrected, and peers hear of it', async () => {
  await writeTree(source, TREE)
  const first = await TestSession.share(source)
  await first.event('import.done')
  await first.close()
  await withIndex(source, async ({ index }) => {
    const batch = index.batch()
    batch.putMeta(TOTALS, { files: 400, bytes: 1, holes: 7 } satisfies Totals)
    await batch.flush()
  })
  await writeFile(join(source, 'g'), 'seven')
  const right = { filesDone: 6, filesTotal: 6, bytesDone: 17, bytesTotal: 17 }
  const again = await TestSession.share(source)
  const { version } = await again.event('import.done', ({ added }) => added === 1)
  expect(again.all('import.done')).toMatchObject([right])
  await again.close()
  expect(await marker()).toMatchObject({ complete: true, files: 6, bytes: 17, holes: 0 })
  const third = await TestSession.share(source)
  expect(await third.event('import.done')).toMatchObject({ ...right, version })
})
