import { readdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { dat, mustBeSame, runDat } from './dat.js'
import { forgetIndex } from './data.js'
import * as show from './report.js'
import { warmMemory } from './warm.js'

/** What must not grow: memory with the number of files, the length of a sparse file, the number of clones. */

const RSS_LIMIT = 400e6
/** Seconds: they share this machine's cores with each other, and their starts alone take a minute of two cores. */
const PATIENCE = '600'
const RSS_LIMIT_CROWD = 600e6
const DESCRIPTORS_LIMIT = 1024
/** A clone may take this much more of the disk than the file that it is a copy of. */
const TAKEN_MARGIN = 8e6
const SAMPLE_MS = 200

/** Share and clone of each data set in turn, dat alone; memory is judged, and whether time grows with the files only. */
export async function growing(bench, names) {
  const rows = []
  const verdicts = []
  const raw = {}
  for (const name of names) {
    const data = await bench.data(name, 1)
    await bench.rounds(async () => {
      await forgetIndex(data)
      const room = await bench.room(name)
      await warmMemory(room, data.taken ?? data.bytes)
      const run = await runDat(data, room)
      raw[name] ??= []
      raw[name].push({ ...run, files: data.files })
      bench.say(`${name}: ${show.seconds(run.seconds)}`)
      if (data.taken !== undefined) verdicts.push(await judgeTaken(data, join(room, 'copy')))
    })
    await forgetIndex(data)
    const runs = raw[name]
    const seconds = show.median(runs.map((run) => run.seconds))
    const worst = (field) => Math.max(...runs.map((run) => run[field]))
    const rss = Math.max(worst('rssSender'), worst('rssReceiver'))
    rows.push([
      data.title,
      show.seconds(seconds),
      data.files > 1 ? `${((seconds / data.files) * 1000).toFixed(2)} ms` : '',
      show.megabytes(worst('rssSender')),
      show.megabytes(worst('rssReceiver')),
      show.megabytes(worst('indexBytes'))
    ])
    verdicts.push({
      text: `${data.title}: under ${show.megabytes(RSS_LIMIT)} of memory on both sides`,
      value: show.megabytes(rss),
      pass: rss < RSS_LIMIT
    })
  }
  const heads = ['', 'median', 'a file', 'RSS send', 'RSS recv', 'index']
  return { title: 'share and clone, growing', heads, rows, verdicts, raw }
}

async function judgeTaken(data, copy) {
  const taken = (await stat(join(copy, 'measurements.bin'))).blocks * 512
  return {
    text: `the clone takes ${show.megabytes(data.taken)} and no more than ${show.megabytes(TAKEN_MARGIN)} beyond`,
    value: show.megabytes(taken),
    pass: taken < data.taken + TAKEN_MARGIN
  }
}

/** So many clones of one share at once, each a process of its own. */
export async function crowd(bench, name, clones) {
  const data = await bench.data(name, clones)
  const runs = []
  await bench.rounds(async () => {
    await forgetIndex(data)
    runs.push(await runCrowd(data, await bench.room(name), clones))
  })
  await forgetIndex(data)
  const worst = (field) => Math.max(...runs.map((run) => run[field]))
  return {
    title: `${clones} clones at once of ${data.title}`,
    heads: ['', 'median', 'RSS send', 'RSS recv', 'descriptors'],
    rows: [
      [
        'dat',
        show.seconds(show.median(runs.map((run) => run.seconds))),
        show.megabytes(worst('rssSender')),
        show.megabytes(worst('rssReceiver')),
        `${worst('descriptors')}`
      ]
    ],
    verdicts: [
      {
        text: `the sharer under ${show.megabytes(RSS_LIMIT_CROWD)} of memory`,
        value: show.megabytes(worst('rssSender')),
        pass: worst('rssSender') < RSS_LIMIT_CROWD
      },
      {
        text: `the sharer under ${DESCRIPTORS_LIMIT} open files`,
        value: `${worst('descriptors')}`,
        pass: worst('descriptors') < DESCRIPTORS_LIMIT
      }
    ],
    raw: { runs }
  }
}

async function runCrowd(data, room, count) {
  const share = dat(['share', data.dir, '--listen', '127.0.0.1:0', '--no-lan'], room)
  let descriptors = 0
  const sampler = setInterval(() => {
    descriptors = Math.max(descriptors, readdirSync(`/proc/${share.process.pid}/fd`).length)
  }, SAMPLE_MS)
  const clones = []
  try {
    const { link } = await share.event('link')
    await share.event('import.done')
    const start = performance.now()
    for (let i = 0; i < count; i++) {
      clones.push(dat(['clone', link, join(room, `copy-${i}`), '--no-lan', '--timeout', PATIENCE], room))
    }
    await Promise.all(clones.map((clone) => clone.success()))
    const seconds = (performance.now() - start) / 1000
    clearInterval(sampler)
    await share.interrupt()
    for (let i = 0; i < count; i++) await mustBeSame(data, join(room, `copy-${i}`))
    return {
      seconds,
      rssSender: share.peakRss,
      rssReceiver: Math.max(...clones.map((clone) => clone.peakRss)),
      descriptors
    }
  } finally {
    clearInterval(sampler)
    await Promise.all([share, ...clones].map((child) => child.kill()))
  }
}
