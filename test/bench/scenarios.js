import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launch } from './child.js'
import { DAT, runDat } from './dat.js'
import { forgetIndex } from './data.js'
import { runB2sum, runImport, runSecondShare } from './import.js'
import * as show from './report.js'
import { runResume } from './resume.js'
import { runRsync } from './rsync.js'
import { runStock } from './stock.js'
import { diskUsage } from './trees.js'
import { warmMemory } from './warm.js'

/**
 * What is measured, and what counts as good enough. Every scenario takes a bench (rooms to write in, rounds, data sets)
 * and returns a table and the targets that it judged.
 *
 * @typedef {{ text: string, value: string, pass: boolean }} Verdict
 * @typedef {{ title: string, heads: string[], rows: string[][], verdicts: Verdict[], raw: object }} Outcome
 */

const RSS_LIMIT = 300e6
const INDEX_LIMIT = (content) => 8e6 + 0.01 * content
/** What a second share may read beyond what a share of next to nothing reads: its file index, but no content. */
const READ_LIMIT = (content, index) => 2e6 + 0.05 * content + 2 * index
/** What programs take beside what they write. */
const MEMORY_RESERVE = 1e9
const STARTUP_RUNS = 15
const STARTUP_LIMIT = 0.06

/** How each does the job, and how many times it writes the data to the disk. */
export const CONTENDERS = {
  dat: { copies: 1, run: (data, room) => runDat(data, room) },
  stock: { copies: 3, run: (data, room) => runStock(data, room) },
  rsync: { copies: 1, run: (data, room, sshd) => runRsync(data, room, sshd) }
}

/** Sender's start to the receiver's end, dat against the others, in turns. */
export async function transfer(bench, name, minRatio) {
  const copies = bench.contenders.reduce((sum, contender) => sum + CONTENDERS[contender].copies, 0)
  const data = await bench.data(name, copies)
  const runs = {}
  await bench.rounds(async (round) => {
    for (const contender of bench.contenders) {
      await forgetIndex(data)
      const room = await bench.room(contender)
      await warmMemory(room, CONTENDERS[contender].copies * data.bytes + MEMORY_RESERVE)
      const run = await CONTENDERS[contender].run(data, room, bench.sshd)
      bench.say(`${name}, round ${round}, ${contender}: ${show.seconds(run.seconds)}`)
      runs[contender] ??= []
      runs[contender].push(run)
    }
  })
  await forgetIndex(data)
  return transferOutcome(data, runs, minRatio)
}

function transferOutcome(data, runs, minRatio) {
  const middle = (contender) => show.median(runs[contender].map((run) => run.seconds))
  const worst = (contender, field) => Math.max(...runs[contender].map((run) => run[field] ?? 0))
  const amount = (value) => (value ? show.megabytes(value) : '')
  const rows = Object.entries(runs).map(([contender, all]) => [
    contender,
    show.seconds(middle(contender)),
    show.range(
      all.map((run) => run.seconds),
      show.seconds
    ),
    show.speed(data.bytes, middle(contender)),
    runs.dat ? show.times(middle(contender) / middle('dat')) : '',
    amount(worst(contender, 'rssSender')),
    amount(worst(contender, 'rssReceiver')),
    amount(worst(contender, 'indexBytes')),
    parts(all)
  ])
  const verdicts = []
  if (runs.dat && runs.stock && minRatio) {
    const ratio = middle('stock') / middle('dat')
    verdicts.push({
      text: `at least ${minRatio} × as fast as stock`,
      value: show.times(ratio),
      pass: ratio >= minRatio
    })
  }
  if (runs.dat) {
    const rss = Math.max(worst('dat', 'rssSender'), worst('dat', 'rssReceiver'))
    const index = worst('dat', 'indexBytes')
    const indexLimit = INDEX_LIMIT(data.bytes)
    verdicts.push(
      {
        text: `under ${show.megabytes(RSS_LIMIT)} of memory on both sides`,
        value: show.megabytes(rss),
        pass: rss < RSS_LIMIT
      },
      {
        text: `.dat under ${show.megabytes(indexLimit)} on both sides`,
        value: show.megabytes(index),
        pass: index < indexLimit
      }
    )
  }
  const heads = ['', 'median', 'min – max', 'speed', '÷ dat', 'RSS send', 'RSS recv', 'index', 'of which']
  return { title: `${data.title}, share and clone`, heads, rows, verdicts, raw: runs }
}

function parts(runs) {
  const names = Object.keys(runs[0].parts ?? {})
  return names.map((name) => `${name} ${show.seconds(show.median(runs.map((run) => run.parts[name])))}`).join(', ')
}

/** Importing alone, against hashing alone. Both read from the page cache. */
export async function importing(bench, name, judged) {
  const data = await bench.data(name)
  const [imports, hashes] = [[], []]
  await bench.rounds(async (round) => {
    await forgetIndex(data)
    hashes.push(await runB2sum(data, await bench.room('b2sum')))
    imports.push(await runImport(data, await bench.room('import')))
    bench.say(
      `import of ${name}, round ${round}: dat ${show.seconds(imports.at(-1).alone)}, b2sum ${show.seconds(hashes.at(-1))}`
    )
  })
  await forgetIndex(data)
  const hash = show.median(hashes)
  const row = (label, values) => [
    label,
    show.seconds(show.median(values)),
    show.range(values, show.seconds),
    show.speed(data.bytes, show.median(values)),
    show.percent(hash / show.median(values))
  ]
  const alone = imports.map((run) => run.alone)
  const whole = imports.map((run) => run.whole)
  const ratio = hash / show.median(alone)
  return {
    title: `${data.title}, import alone`,
    heads: ['', 'median', 'min – max', 'speed', 'of b2sum'],
    rows: [row('b2sum', hashes), row('dat, link to import.done', alone), row('dat, whole process', whole)],
    verdicts: judged
      ? [{ text: 'import at 80 % of the speed of b2sum or more', value: show.percent(ratio), pass: ratio >= 0.8 }]
      : [],
    raw: { imports, hashes }
  }
}

/** Sharing an unchanged folder again: the time, and that no content was read. */
export async function sharingAgain(bench, name, limitSeconds = Number.POSITIVE_INFINITY) {
  const data = await bench.data(name)
  await forgetIndex(data)
  bench.say(`second share of ${name}: making the index`)
  const first = await runImport(data, await bench.room('first-share'))
  const runs = []
  await bench.rounds(async (round) => {
    runs.push(await runSecondShare(data, await bench.room('second-share')))
    bench.say(`second share of ${name}, round ${round}: ${show.seconds(runs.at(-1).seconds)}`)
  })
  const index = await diskUsage(join(data.dir, '.dat'))
  await forgetIndex(data)
  const idle = await runSecondShare(await makeTiny(bench), await bench.room('idle'))
  const took = runs.map((run) => run.seconds)
  const read = Math.max(...runs.map((run) => run.readBytes))
  const limit = READ_LIMIT(data.bytes, index)
  const rss = Math.max(first.rss, ...runs.map((run) => run.rss))
  const verdicts = [
    {
      text: `no content read (under ${show.megabytes(limit)} beyond the program: index and its compaction)`,
      value: show.megabytes(read - idle.readBytes),
      pass: read - idle.readBytes < limit
    },
    { text: `under ${show.megabytes(RSS_LIMIT)} of memory`, value: show.megabytes(rss), pass: rss < RSS_LIMIT }
  ]
  if (Number.isFinite(limitSeconds)) {
    const middle = show.median(took)
    verdicts.push({
      text: `second share within ${limitSeconds} s`,
      value: show.seconds(middle),
      pass: middle < limitSeconds
    })
  }
  return {
    title: `${data.title}, shared again unchanged`,
    heads: ['', 'median', 'min – max', 'read in all'],
    rows: [
      ['first share', show.seconds(first.whole), '', ''],
      ['second share', show.seconds(show.median(took)), show.range(took, show.seconds), show.megabytes(read)],
      ['second share of one tiny file', show.seconds(idle.seconds), '', show.megabytes(idle.readBytes)]
    ],
    verdicts,
    raw: { first, runs }
  }
}

/** A folder with one tiny file that was shared before: what it reads is the program itself. */
async function makeTiny(bench) {
  const dir = join(await bench.room('tiny'), 'tiny')
  await mkdir(dir)
  await writeFile(join(dir, 'tiny.txt'), 'tiny\n')
  await runImport({ dir }, await bench.room('tiny-first'))
  return { dir }
}

/** kill -9 in the middle of a clone, then the same command again. */
export async function resuming(bench, name) {
  const data = await bench.data(name, 1)
  const runs = []
  await bench.rounds(async (round) => {
    await forgetIndex(data)
    runs.push(await runResume(data, await bench.room('resume')))
    bench.say(`resume of ${name}, round ${round}: ${show.percent(runs.at(-1).share)} kept`)
  })
  await forgetIndex(data)
  const worst = Math.min(...runs.map((run) => run.share))
  return {
    title: `${data.title}, clone killed with kill -9 and run again`,
    heads: ['round', 'done when killed', 'resumed', 'fetched again or new', 'kept'],
    rows: runs.map((run, i) => [
      String(i + 1),
      show.megabytes(run.before),
      show.megabytes(run.resumed),
      show.megabytes(run.fetched),
      show.percent(run.share)
    ]),
    verdicts: [{ text: 'at least 95 % is not fetched again', value: show.percent(worst), pass: worst >= 0.95 }],
    raw: { runs }
  }
}

/** The time that a command takes before it does anything. */
export async function startup(bench) {
  const room = await bench.room('startup')
  const [version, bare] = [[], []]
  for (let i = 0; i < STARTUP_RUNS; i++) {
    version.push((await launch(process.execPath, [DAT, '--version'], { cwd: room }).success()).seconds)
    bare.push((await launch(process.execPath, ['-e', '0'], { cwd: room }).success()).seconds)
  }
  const extra = show.median(version) - show.median(bare)
  const row = (label, values) => [label, show.milliseconds(show.median(values)), show.range(values, show.milliseconds)]
  return {
    title: `start of the program, ${STARTUP_RUNS} runs each`,
    heads: ['', 'median', 'min – max'],
    rows: [row('dat --version', version), row('node -e 0', bare)],
    verdicts: [
      {
        text: `dat --version within ${show.milliseconds(STARTUP_LIMIT)} of node -e 0`,
        value: `+${show.milliseconds(extra)}`,
        pass: extra <= STARTUP_LIMIT
      }
    ],
    raw: { version, bare }
  }
}
