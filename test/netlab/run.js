import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { machine } from '../bench/report.js'
import { conclude, pickScenarios, playScenarios, runProgram } from '../runner/run.js'
import { Tally } from '../runner/tally.js'
import { whyNoLab } from './lab.js'
import { SCENARIOS } from './scenarios.js'
import { DAT, Session } from './session.js'

// Where the tools of the lab are, on a system that keeps them from the path of a user.
process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`

/** The exit code of a run that was ended by a signal. */
const INTERRUPTED = 130

const HELP = `usage: npm run test:netlab -- [options]

Runs the real program in a lab of firewalled networks, made of network namespaces that have no way out of this
machine (see test/netlab/README.md). Needs root on Linux. Exit code 0 unless a test failed.

  --only NAMES        some of: ${Object.keys(SCENARIOS).join(', ')}
  --pairs LIST        of the matrix, the punches and doctor-pair only these, as SHARER:CLONER,… (web:home,sym:sym);
                      all: every pair in both directions (doctor-pair alone tries each in one only)
  --relay-side SIDE   who is told of the relay in the matrix: share (default; its link carries it on) or clone
  --relay-use HOW     doctor-pair with a relay, without, or (default) both
  --runs N            how often each test of the doctor is made (3)
  --record FOLDER     keep what the probes of the doctor found, one file for each test
  --quick             a representative part of everything
  --lenient           tell goals of speed that are missed, and count them as skipped instead of failed
  --dat FILE          the program to test, instead of bin/dat.js here
  --json FILE         write all results with their numbers
`

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      pairs: { type: 'string' },
      'relay-side': { type: 'string', default: 'share' },
      'relay-use': { type: 'string', default: 'both' },
      runs: { type: 'string' },
      record: { type: 'string' },
      quick: { type: 'boolean', default: false },
      lenient: { type: 'boolean', default: false },
      dat: { type: 'string', default: DAT },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  const only = pickScenarios(values.only, SCENARIOS)
  const allPairs = values.pairs === 'all'
  const pairs = allPairs ? undefined : values.pairs?.split(',').map((pair) => pair.split(':'))
  for (const pair of pairs ?? [])
    if (pair.length !== 2) throw new Error(`a pair is SHARER:CLONER, not ${pair.join(':')}`)
  const relayUse = values['relay-use']
  if (!['with', 'without', 'both'].includes(relayUse)) throw new Error('--relay-use takes with, without or both')
  const runs = values.runs === undefined ? undefined : Number(values.runs)
  if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) throw new Error('--runs takes a number from 1 on')
  const side = values['relay-side']
  if (side !== 'share' && side !== 'clone') throw new Error('--relay-side takes share or clone')
  return { ...values, only, pairs, allPairs, relayUse, runs, side, dat: resolve(values.dat) }
}

async function runAll(chosen, tally) {
  const session = await Session.open(chosen, tally)
  try {
    await playScenarios({ names: chosen.only, scenarios: SCENARIOS, tally }, session, () => session.reset())
  } finally {
    await session.close()
  }
}

process.on('exit', (code) => {
  if (code === INTERRUPTED) console.error('netlab: interrupted')
})

async function main() {
  const chosen = options()
  if (chosen.help) return console.log(HELP)
  const tally = new Tally(chosen.lenient)
  const started = performance.now()
  console.log(`${machine()}, ${new Date().toISOString()}`)
  const why = whyNoLab()
  if (why) for (const name of chosen.only) tally.skip(name, why)
  else await runAll(chosen, tally)
  if (chosen.json) await writeFile(chosen.json, `${JSON.stringify(tally.results, null, 2)}\n`)
  conclude(tally, started)
}

await runProgram('netlab', main)
