import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DAT } from './dat.js'
import { dataset, freeBytes, plannedBytes } from './data.js'
import { history } from './history.js'
import { machine, table } from './report.js'
import { openSshd, whyNoRsync } from './rsync.js'
import { CONTENDERS, importing, resuming, sharingAgain, startup, transfer } from './scenarios.js'
import { crowd, growing } from './sizes.js'

const HELP = `usage: npm run bench -- [options]

Measures dat against the stock Hyperdrive packages and rsync, on this machine, in turns, and judges the targets.
Everything stays on 127.0.0.1. Exit code 0 when every target is met, 1 when not.

  --only NAMES         some of: big, small, import, reshare, resume, startup (comma-separated)
  --rounds N           rounds of each measurement; the median counts (default 3)
  --contenders NAMES   some of: dat, stock, rsync
  --quick              small data, one round; checks that everything works, judges no speed
  --scale              instead, dat alone, one round: one file of 20 GiB, 200,000 small files, and by --only also
                       files (up to 1,000,000), sparse (up to 200 GiB), crowd (100 clones at once), history (1,000 versions)
  --data DIR           where data is kept and copies are written (default .bench in the project)
  --json FILE          write all raw numbers
`

/** What to run, in order. */
const NORMAL = [
  ['big', (bench) => transfer(bench, 'big', 3)],
  ['small', (bench) => transfer(bench, 'small', 4)],
  ['import', (bench) => importing(bench, 'big', true)],
  ['import', (bench) => importing(bench, 'small', false)],
  ['reshare', (bench) => sharingAgain(bench, 'big')],
  ['reshare', (bench) => sharingAgain(bench, 'small')],
  ['resume', (bench) => resuming(bench, 'big')],
  ['resume', (bench) => resuming(bench, 'small')],
  ['startup', (bench) => startup(bench)]
]
const QUICK = [
  ['big', (bench) => transfer(bench, 'quick-big', 0)],
  ['small', (bench) => transfer(bench, 'quick-small', 0)],
  ['import', (bench) => importing(bench, 'quick-big', false)],
  ['reshare', (bench) => sharingAgain(bench, 'quick-big')],
  ['startup', (bench) => startup(bench)]
]
const SCALE = [
  ['big', (bench) => transfer(bench, 'scale-big', 0)],
  ['reshare', (bench) => sharingAgain(bench, 'scale-big', 10)],
  ['small', (bench) => transfer(bench, 'scale-small', 0)],
  ['reshare', (bench) => sharingAgain(bench, 'scale-small', 10)],
  ['files', (bench) => growing(bench, ['files-10k', 'files-100k', 'files-1m'])],
  ['sparse', (bench) => growing(bench, ['sparse-2', 'sparse-20', 'sparse-200'])],
  ['crowd', (bench) => crowd(bench, 'crowd', 100)],
  ['history', (bench) => history(bench, 1000)]
]
/** Only when asked for by name: they take long. */
const EXTRA = new Set(['files', 'sparse', 'crowd', 'history'])
const DISK_RESERVE = 2e9

/** One run of the program: rooms to write in, the rounds, the data, and the sshd. */
class Bench {
  #base
  #runs
  #count

  constructor(base, rounds, contenders) {
    this.#base = base
    this.#runs = join(base, 'runs')
    this.#count = rounds
    this.contenders = contenders
    this.sshd = null
  }

  say(text) {
    process.stderr.write(`· ${text}\n`)
  }

  /** A data set, made now if need be, with space for so many copies of it in every round. */
  async data(name, copies = 0) {
    const root = join(this.#base, 'data')
    const exists = existsSync(join(root, `${name}.json`))
    await this.#needSpace(plannedBytes(name) * (this.#count * copies + (exists ? 0 : 1)) + DISK_RESERVE)
    if (!exists) this.say(`making the data: ${name}`)
    return dataset(root, name)
  }

  /** A fresh folder, on a disk that has nothing left to write for others. */
  async room(name) {
    await mkdir(this.#runs, { recursive: true })
    spawnSync('sync')
    return mkdtemp(join(this.#runs, `${name}-`))
  }

  async rounds(measure) {
    for (let round = 1; round <= this.#count; round++) await measure(round)
  }

  /**
   * Removes all copies. Only at the end: ext4 without a journal looks for inodes that were not freed lately, which
   * makes new files several times as expensive for minutes after many were deleted.
   */
  async clear() {
    await rm(this.#runs, { recursive: true, force: true })
  }

  async #needSpace(needed) {
    if ((await freeBytes(this.#base)) < needed) {
      this.say('the disk is short of space: removing copies early, which slows down what comes next')
      await this.clear()
    }
    const free = await freeBytes(this.#base)
    const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(0)} GB`
    if (free < needed) throw new Error(`needs ${gigabytes(needed)} in ${this.#base}, ${gigabytes(free)} are free`)
  }
}

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      contenders: { type: 'string' },
      quick: { type: 'boolean' },
      scale: { type: 'boolean' },
      data: { type: 'string', default: fileURLToPath(new URL('../../.bench', import.meta.url)) },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' }
    }
  })
  const plan = values.quick ? QUICK : values.scale ? SCALE : NORMAL
  const known = new Set(plan.map(([name]) => name))
  const only = values.only?.split(',') ?? [...known].filter((name) => !EXTRA.has(name))
  const contenders = values.contenders?.split(',') ?? (values.scale ? ['dat'] : Object.keys(CONTENDERS))
  const rounds = Number(values.rounds ?? (values.quick || values.scale ? 1 : 3))
  for (const name of only) if (!known.has(name)) throw new Error(`no such scenario here: ${name}`)
  for (const name of contenders) if (!(name in CONTENDERS)) throw new Error(`no such contender: ${name}`)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number')
  const data = resolve(values.data)
  return { ...values, data, plan: plan.filter(([name]) => only.includes(name)), contenders, rounds }
}

/** Runs one scenario; one that breaks is a target missed, and does not keep the others from running. */
async function run(bench, [name, measure]) {
  try {
    return await measure(bench)
  } catch (error) {
    return {
      title: name,
      heads: [],
      rows: [],
      verdicts: [{ text: 'runs', value: error.message, pass: false }],
      raw: {}
    }
  }
}

function print({ title, heads, rows, verdicts }) {
  const lines = [`\n${title}`]
  if (rows.length > 0) lines.push(table(heads, rows))
  for (const { text, value, pass } of verdicts) lines.push(`  ${pass ? 'PASS' : 'FAIL'}  ${text}: ${value}`)
  console.log(lines.join('\n'))
}

async function main() {
  const chosen = options()
  if (chosen.help) return console.log(HELP)
  if (!existsSync(DAT)) throw new Error(`${DAT} is missing`)

  let contenders = chosen.contenders
  const noRsync = contenders.includes('rsync') ? whyNoRsync() : null
  if (noRsync) {
    console.log(`rsync is left out: ${noRsync}`)
    contenders = contenders.filter((name) => name !== 'rsync')
  }
  console.log(
    `${machine()}\n${new Date().toISOString()}, rounds: ${chosen.rounds}, contenders: ${contenders.join(', ')}`
  )

  const bench = new Bench(chosen.data, chosen.rounds, contenders)
  const outcomes = []
  try {
    if (contenders.includes('rsync')) bench.sshd = await openSshd(join(chosen.data, 'sshd'))
    for (const scenario of chosen.plan) {
      outcomes.push(await run(bench, scenario))
      print(outcomes.at(-1))
    }
  } finally {
    await bench.sshd?.close()
    await bench.clear()
  }
  if (chosen.json) await writeFile(chosen.json, `${JSON.stringify({ machine: machine(), outcomes }, null, 2)}\n`)

  const verdicts = outcomes.flatMap((outcome) => outcome.verdicts)
  const failed = verdicts.filter(({ pass }) => !pass).length
  console.log(`\n${verdicts.length - failed} targets met, ${failed} missed`)
  process.exitCode = failed > 0 ? 1 : 0
}

try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`)
  process.exitCode = 2
}
