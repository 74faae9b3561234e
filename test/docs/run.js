import { parseArgs } from 'node:util'
import { conclude, pickScenarios, playScenarios, runProgram } from '../runner/run.js'
import { Tally } from '../runner/tally.js'
import { SCENARIOS } from './scenarios.js'

// Where the tools of the lab are, on a system that keeps them from the path of a user.
process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`

const HELP = `usage: npm run test:docs -- [options]

Does what the documents say: runs their blocks, looks up what they name, and makes their screens again
(docs/contributing.md). Exit code 0 unless something is not as it is written; the last line says how much was tested.

  --only NAMES   some of: ${Object.keys(SCENARIOS).join(', ')}
  --write        put the screens into the documents, instead of comparing them
  --show         print each screen when it has been made
`

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      write: { type: 'boolean', default: false },
      show: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  return { ...values, only: pickScenarios(values.only, SCENARIOS) }
}

async function main() {
  const chosen = options()
  if (chosen.help) return console.log(HELP)
  const tally = new Tally()
  const started = performance.now()
  await playScenarios({ names: chosen.only, scenarios: SCENARIOS, tally }, { ...chosen, tally })
  conclude(tally, started)
}

await runProgram('docs', main)
