import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { fuzz } from './fuzz.js'
import { PARSERS } from './parsers.js'

/** A parser that is silent for so long hangs. */
const SILENCE_MS = 20_000
/** One input may take so long; a machine that is busy makes it longer than it is. */
const SLOW_MS = 250
/** What a parser may leave in memory after all its inputs, in MB. */
const GROWTH_MB = 50

const HELP = `usage: npm run test:fuzz -- [options]

Gives random inputs, near to valid ones, to everything that reads what came from a peer, a relay, a link, the local
network or the disk. Each parser runs in a thread of its own, under a watchdog. Exit code 0 unless one failed.

  --inputs N    inputs for each parser (default 1000000)
  --seed S      another series of inputs (default 1); the same seed gives the same inputs
  --only NAMES  some of: ${Object.keys(PARSERS).join(', ')}
`

function options() {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  const only = values.only?.split(',') ?? Object.keys(PARSERS)
  for (const name of only) if (!Object.hasOwn(PARSERS, name)) throw new Error(`there is no parser ${name}`)
  const [inputs, seed] = [Number(values.inputs), Number(values.seed)]
  if (!Number.isSafeInteger(inputs) || inputs < 1) throw new Error('--inputs takes a whole number')
  if (!Number.isSafeInteger(seed)) throw new Error('--seed takes a whole number')
  return { ...values, inputs, seed, only }
}

/** A parser that keeps something for good, for a reason, gets a fresh thread every so many inputs. */
async function runOne(name, { inputs, seed }) {
  const { slice = inputs } = PARSERS[name]
  const total = { seconds: 0, worst: 0, grown: 0 }
  for (let done = 0; done < inputs; done += slice) {
    const part = await runSlice(name, { inputs: Math.min(slice, inputs - done), seed: seed + done })
    total.seconds += part.seconds
    total.worst = Math.max(total.worst, part.worst)
    total.grown = Math.max(total.grown, part.grown)
  }
  return total
}

/** @throws when the parser failed or hangs */
function runSlice(name, { inputs, seed }) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { name, inputs, seed } })
    let last = 0
    let timer
    const watch = () => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        void worker.terminate()
        reject(new Error(`${name} hangs, at one of the 64 inputs from number ${last} on`))
      }, SILENCE_MS)
    }
    watch()
    worker.on('message', (message) => {
      watch()
      if (typeof message === 'number') last = message
      else resolve(message)
    })
    // Also what was thrown when no parser was running.
    worker.on('error', (error) => reject(error))
    worker.on('exit', () => clearTimeout(timer))
  })
}

async function main() {
  const chosen = options()
  if (chosen.help) return console.log(HELP)
  let failed = 0
  for (const name of chosen.only) {
    try {
      const { seconds, worst, grown } = await runOne(name, chosen)
      const slow = worst > SLOW_MS || grown > GROWTH_MB
      if (slow) failed++
      const figures = `${Math.round(chosen.inputs / seconds)
        .toString()
        .padStart(8)} inputs/s, worst ${worst.toFixed(1)} ms`
      console.log(`${slow ? 'FAIL' : 'ok  '}  ${name.padEnd(22)} ${figures}, ${grown.toFixed(1)} MB more`)
    } catch (error) {
      failed++
      console.log(`FAIL  ${name}: ${error.stack}${error.cause ? `\ncaused by ${error.cause.stack}` : ''}`)
    }
  }
  console.log(
    failed === 0 ? `\nall of ${chosen.only.length} parsers, ${chosen.inputs} inputs each` : `\n${failed} failed`
  )
  process.exitCode = failed === 0 ? 0 : 1
}

async function work({ name, inputs, seed }) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  collect()
  const before = process.memoryUsage()
  const result = await fuzz(name, PARSERS[name], { inputs, seed, sign: (n) => parentPort.postMessage(n) })
  await new Promise(setImmediate)
  collect()
  const after = process.memoryUsage()
  const grown = (after.heapUsed + after.external - before.heapUsed - before.external) / 1e6
  parentPort.postMessage({ ...result, grown })
}

if (isMainThread) {
  try {
    await main()
  } catch (error) {
    process.stderr.write(`fuzz: ${error.message}\n`)
    process.exitCode = 2
  }
} else await work(workerData)
