import { mutate, randomFrom } from './mutate.js'
import { isRefusal } from './parsers.js'

/** How often the clock is looked at for one input: all of them would take longer than many a parser. */
const BATCH = 64

/** What takes so long is looked at again. */
const LONG_MS = 5

/**
 * Gives many inputs to a parser.
 * @param sign is told of each batch with the number of its first input, so that a watchdog sees it go on
 * @returns the seconds that it took, and the slowest input in ms
 * @throws with the input, for the first that does what no input may do
 */
export async function fuzz(name, parser, { inputs, seed, sign = () => {} }) {
  const samples = parser.samples()
  const random = randomFrom(seed + name.length * 7919)
  // What is valid is not refused: else the mutations would start from nothing.
  for (const sample of samples) await attempt(name, parser, sample, -1)
  const started = performance.now()
  let worst = 0
  for (let n = 0; n < inputs; n++) {
    const input = mutate(samples, random)
    const once = async () => {
      const began = performance.now()
      const result = attempt(name, parser, input, n)
      if (result) await result
      return performance.now() - began
    }
    const ms = await once()
    // A busy machine makes one look slow now and then, not twice.
    worst = Math.max(worst, ms > LONG_MS ? Math.min(ms, await once()) : ms)
    if (n % BATCH === 0) sign(n)
    // Microtasks, and what was put off by the streams, must not pile up.
    if (n % 1024 === 0) await new Promise(setImmediate)
  }
  return { seconds: (performance.now() - started) / 1000, worst }
}

function attempt(name, parser, input, n) {
  const fail = (error) => {
    if (isRefusal(error)) return
    throw new Error(`${name}, input ${n}: ${describe(input)}`, { cause: error })
  }
  try {
    const result = parser.parse(input)
    return result instanceof Promise ? result.catch(fail) : undefined
  } catch (error) {
    return fail(error)
  }
}

function describe(input) {
  const text = Buffer.isBuffer(input) ? `bytes ${input.toString('hex')}` : String(JSON.stringify(input))
  return text.length > 500 ? `${text.slice(0, 500)}… (${text.length})` : text
}
