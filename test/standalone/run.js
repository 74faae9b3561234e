import { parseArgs } from 'node:util'
import { machine } from '../bench/report.js'
import { conclude, pickScenarios, playScenarios, runProgram } from '../runner/run.js'
import { Tally } from '../runner/tally.js'
import { SCENARIOS } from './scenarios.js'
import { Unavailable, Workshop } from './workshop.js'

// Where debootstrap, chroot and ip are, on a system that keeps them from the path of a user.
process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`

const INTERRUPTED = 130

const HELP = `usage: npm run test:standalone -- [options]

Builds dat as people download it, signs it with a key of its own, and installs and runs it: on this system, on Debian 11
and 12 as a user without anything, for other processors, and for Windows. docs/packaging.md has the rest.
Exit code 0 unless a test failed; the last line says how many there were.

  --only NAMES   some of: ${Object.keys(SCENARIOS).join(', ')}
  --quick        only linux-x64, on this system and on Debian 11
  --systems DIR  keep the fresh systems of Debian there, for the next run
  --lenient      tell figures that are missed, and what the build needs and cannot have (programs, a mirror, pinned
                 packages that Debian has replaced), and count them as skipped instead of failed
`

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      systems: { type: 'string' },
      quick: { type: 'boolean', default: false },
      lenient: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  const quick = Object.keys(SCENARIOS).filter((name) => !values.quick || SCENARIOS[name].quick)
  return { ...values, only: pickScenarios(values.only, SCENARIOS, quick) }
}

async function runAll(chosen, tally) {
  const shop = await Workshop.open(chosen, tally)
  try {
    const targets = new Set(['linux-x64', ...chosen.only.flatMap((name) => SCENARIOS[name].targets ?? [])])
    console.log(`building ${[...targets].join(', ')}`)
    try {
      await shop.build([...targets])
    } catch (error) {
      if (!(chosen.lenient && error instanceof Unavailable)) throw error
      return tally.skip('everything', error.message.trim())
    }
    await playScenarios({ names: chosen.only, scenarios: SCENARIOS, tally }, shop)
  } finally {
    await shop.close()
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(INTERRUPTED))

async function main() {
  const chosen = options()
  if (chosen.help) return console.log(HELP)
  const tally = new Tally(chosen.lenient)
  const started = performance.now()
  console.log(`${machine()}, ${new Date().toISOString()}`)
  const here = `${process.platform}-${process.arch}`
  if (here === 'linux-x64') await runAll(chosen, tally)
  else for (const name of chosen.only) tally.skip(name, `this needs linux-x64, and here is ${here}`)
  conclude(tally, started)
}

await runProgram('standalone', main)
