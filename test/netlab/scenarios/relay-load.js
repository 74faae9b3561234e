import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const CROWD = fileURLToPath(new URL('../services/relay-crowd.js', import.meta.url))
const IDLE = 200
const PAIRS = 10
const START_SECONDS = 60
const BUSY_MS = 30_000
const MOST_BYTES = 300e6
/** The receivers are behind a narrower line than the senders, so that the relay has something to hold back. */
const LINE = { rtt: 50, mbit: 100 }
/** Half of the narrow line, at least: a relay that refuses to work needs no memory either. */
const LEAST_MBIT = LINE.mbit / 2

/** Many idle clients, and 20 busy ones in pairs, of one relay process. */
export async function relayLoad(session) {
  const { lab, tally, options } = session
  const relay = await session.relay(['--max-clients', '1000', '--max-per-address', '1000'])
  await lab.policy('a', 'web')
  await lab.policy('b', 'web')
  if (!session.noDelay) await lab.lines(LINE)
  const connector = join(dirname(options.dat), '../dist/transport/connector.js')
  const crowd = (host, role, count) =>
    lab.launch(host, process.execPath, [CROWD, connector, role, String(count), relay.url], { cwd: session.folder })
  const all = []
  try {
    for (const args of [
      ['www', 'idle', IDLE],
      ['a1', 'receive', PAIRS],
      ['b1', 'send', PAIRS]
    ]) {
      all.push(crowd(...args))
      await all.at(-1).event(({ ready }) => ready, START_SECONDS)
    }
    const [, receivers] = all
    const before = sum(receivers)
    await pause(BUSY_MS)
    const mbit = ((sum(receivers) - before) * 8) / BUSY_MS / 1000
    const starved = latest(receivers).filter((bytes) => bytes === 0).length
    const wrong = []
    if (relay.peakRss >= MOST_BYTES) wrong.push(`more than ${MOST_BYTES / 1e6} MB`)
    if (starved > 0) wrong.push(`${starved} of ${PAIRS} pairs have got nothing`)
    if (mbit < LEAST_MBIT) wrong.push(`less than ${LEAST_MBIT} Mbit/s`)
    const text = `${(relay.peakRss / 1e6).toFixed(0)} MB at most, ${mbit.toFixed(0)} Mbit/s through it`
    const name = `relay-load, ${IDLE} idle and ${2 * PAIRS} busy clients`
    tally.judge(name, wrong.length > 0 ? wrong.join('; ') : null, text)
  } finally {
    await Promise.all(all.map((child) => child.kill()))
  }
}

function latest(receivers) {
  return receivers.events.findLast(({ received }) => received)?.received ?? []
}

function sum(receivers) {
  return latest(receivers).reduce((total, bytes) => total + bytes, 0)
}
