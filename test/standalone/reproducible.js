import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Builds once more what there is, and compares every file. */
export async function reproducible(shop) {
  const names = (await readdir(shop.release)).sort()
  const targets = names.flatMap((name) => /^dat-[\d.]+-(.*)\.cdx\.json$/.exec(name)?.[1] ?? [])
  const again = join(await shop.room(), 'again')
  await shop.build(targets, again)
  const different = []
  for (const name of names) {
    const same = (await readFile(join(shop.release, name))).equals(
      await readFile(join(again, name)).catch(() => Buffer.of())
    )
    if (!same) different.push(name)
  }
  shop.tally.judge(
    'two builds are the same',
    different.length === 0 ? null : `not ${different.join(', ')}`,
    `${names.length} files, ${targets.join(', ')}`
  )
}
