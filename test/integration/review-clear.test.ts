import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { TestSession, temporaryFolder } from '../helpers/core.js'

test.each([1, 2, 4, 6])('what is left of a share after file %i is removed can be cloned anew', async (removed) => {
  const base = await temporaryFolder()
  const source = join(base, 'source')
  await mkdir(source)
  const names = Array.from({ length: 8 }, (_, i) => `file ${i}`)
  for (const name of names) await writeFile(join(source, name), `content of ${name}`)
  const owner = await TestSession.share(source)
  await owner.event('import.done')
  await owner.close()
  await rm(join(source, `file ${removed}`))
  const again = await TestSession.share(source)
  await again.event('import.done')
  const clone = await TestSession.clone(again.link, join(base, 'copy'))
  await clone.done()
  expect((await readdir(join(base, 'copy'))).sort()).toEqual([
    '.dat',
    ...names.filter((name) => name !== `file ${removed}`)
  ])
})
