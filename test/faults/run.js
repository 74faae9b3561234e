import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { machine } from '../bench/report.js'
import { conclude, pickScenarios, playScenarios, runProgram } from '../runner/run.js'
import { Tally } from '../runner/tally.js'
import { SCENARIOS } from './scenarios.js'
import { Session } from './session.js'

const HELP = `usage: npm run test:faults -- [options]

Runs the real program on this machine, does to it what happens to programs, and judges what is left by every byte
(see test/faults/README.md). All connections stay on 127.0.0.1. Exit code 0 unless a round failed.

  --only NAMES     some of: ${Object.keys(SCENARIOS).join(', ')}
  --minutes N      go on for so long, all scenarios together
  --rounds N       so many rounds of each scenario
  --seed S         the same rounds again; the kind of fault and the bytes follow from it, the exact moment cannot
  --first N        begin with this round
`

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      minutes: { type: 'string' },
      rounds: { type: 'string' },
      seed: { type: 'string', default: randomBytes(4).toString('hex') },
      first: { type: 'string', default: '0' },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  const only = pickScenarios(values.only, SCENARIOS)
  const number = (name) => {
    const value = values[name] === undefined ? null : Number(values[name])
    if (Number.isNaN(value) || value < 0) throw new Error(`--${name} takes a number`)
    return value
  }
  return { ...values, only, minutes: number('minutes'), rounds: number('rounds'), first: number('first') }
}

async function main() {
  const chosen = options()
  if (chosen.help) return console.log(HELP)
  const tally = new Tally()
  const started = performance.now()
  console.log(`${machine()}, ${new Date().toISOString()}, seed ${chosen.seed}`)
  const session = await Session.open({ ...chosen, share: 1 / chosen.only.length, tally })
  try {
    await playScenarios({ names: chosen.only, scenarios: SCENARIOS, tally }, session)
  } finally {
    await session.close()
  }
  conclude(tally, started, `, seed ${chosen.seed}`)
}

await runProgram('faults', main)
