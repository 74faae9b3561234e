import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dat } from './dat.js'
import * as show from './report.js'

/** A share with many versions: what it takes to look back, and what it costs. */

const FILES = 100
const FILE_BYTES = 10_000
const LIMIT_SECONDS = 2

/** So many versions of 100 files: the history, an older version of a file, and a clone of an older version. */
export async function history(bench, versions) {
  const times = { log: [], restore: [], clone: [] }
  await bench.rounds(async () => {
    const room = await bench.room('history')
    const { source, middle, then } = await makeVersions(room, versions)
    for (const [name, seconds] of Object.entries(await lookBack(room, source, middle, then))) times[name].push(seconds)
  })
  const medians = Object.entries(times).map(([name, all]) => [name, show.median(all)])
  return {
    title: `${versions} versions of ${FILES} files`,
    heads: ['', 'median'],
    rows: medians.map(([name, seconds]) => [name, show.seconds(seconds)]),
    verdicts: medians.map(([name, seconds]) => ({
      text: `${name} in under ${LIMIT_SECONDS} s`,
      value: show.seconds(seconds),
      pass: seconds < LIMIT_SECONDS
    })),
    raw: times
  }
}

/**
 * Makes the versions as a running share would, but without its watch: each is one file that changed.
 * @returns the folder, a version in the middle, and what the first file was then
 */
async function makeVersions(room, versions) {
  const source = join(room, 'source')
  await mkdir(source, { recursive: true })
  const name = (i) => `${i}`.padStart(3, '0')
  const content = (file, version) => Buffer.alloc(FILE_BYTES, `file ${file} in version ${version}\n`)
  for (let i = 0; i < FILES; i++) await writeFile(join(source, name(i)), content(i, 0))
  const first = dat(['share', source, '--history', '--no-watch'], room)
  await first.event('import.done')
  await first.interrupt()

  const core = (module) => import(new URL(`../../dist/core/${module}.js`, import.meta.url))
  const [{ openDrive, placeOf }, { ChangeBatch }, { Import }, { IgnoreRules }, { SourceRoot }] = await Promise.all(
    ['drive', 'change-batch', 'import', 'ignore', 'source-root'].map(core)
  )
  const open = await openDrive({ place: placeOf(source, null), create: null, work: 'bench', home: join(room, 'home') })
  const batch = await ChangeBatch.create(open)
  const root = await SourceRoot.open(source, true)
  const signal = new AbortController().signal
  let middle = 0
  let then = null
  try {
    for (let version = 1; version <= versions; version++) {
      await writeFile(join(source, name(version % FILES)), content(version % FILES, version))
      const run = new Import({
        ...{ open, root, batch, signal, rules: IgnoreRules.root([], true) },
        ...{ report: () => {}, suspects: new Set(), only: null }
      })
      await run.run([''])
      await run.finish()
      if (version !== Math.floor(versions / 2)) continue
      middle = open.drive.version
      then = await readFile(join(source, name(0)))
    }
  } finally {
    await batch.close()
    await open.close()
  }
  return { source, middle, then }
}

async function lookBack(room, source, middle, then) {
  const log = dat(['log', source], room)
  await log.success()
  const restore = dat(['restore', '000', source, '--version', `${middle}`], room)
  await restore.success()
  if (!then.equals(await readFile(join(source, '000')))) throw new Error('history: another version came back')
  const share = dat(['share', source], room)
  try {
    const { link } = await share.event('link')
    await share.event('import.done')
    const clone = dat(['clone', link, join(room, 'copy'), '--version', `${middle}`], room)
    await clone.success()
    if (!then.equals(await readFile(join(room, 'copy/000')))) throw new Error('history: the clone has another version')
    return { log: log.seconds, restore: restore.seconds, clone: clone.seconds }
  } finally {
    await share.kill()
  }
}
