import { setTimeout as pause } from 'node:timers/promises'

/** What a transfer has to survive. Each is so slow that it has a middle. */

const BYTES = 60_000_000
const MBIT = 40
const RTT_MS = 30
const OUTAGE_MS = 90_000
const SHORT_OUTAGE_MS = 35_000
const MIDDLE = BYTES / 3
const LATER = (BYTES * 2) / 3
const RESTART_MS = 3000
const AFTER_SECONDS = 120
/** Bytes on the wire beyond those of the file: headers, what was lost, and what each interruption cut off half-way. */
const WIRE_FACTOR = 1.1
const CUT_OFF = 12_000_000

const CASES = {
  'the relay is restarted': { policy: 'web', relay: true, disturb: restartRelay },
  'the network of the sharer changes to web only and back': {
    policy: 'home',
    relay: true,
    cuts: 2,
    disturb: changePolicy
  },
  'the cable of the cloner is out': { policy: 'home', quick: true, disturb: pullCable },
  'the cloner sleeps': { policy: 'home', disturb: sleep },
  'the sharer is killed and started again': { policy: 'home', quick: true, disturb: killSharer }
}

export async function path(session) {
  for (const [name, test] of Object.entries(CASES)) {
    if (session.quick && !test.quick && !test.relay) continue
    await judge(session, `path, ${name}`, test)
  }
}

async function judge(session, name, { policy, relay, disturb, cuts = 1 }) {
  const { lab, tally } = session
  let pair = null
  try {
    const args = relay ? ['--relay', (await session.relay()).url] : []
    await lab.policy('a', policy)
    await lab.policy('b', policy)
    await lab.lines({ rtt: session.noDelay ? 0 : RTT_MS, mbit: MBIT })
    pair = await session.pair({ bytes: BYTES, sharer: { args } })
    const before = await lab.wire('b1')
    const clone = pair.clone()
    await clone.arrived(MIDDLE)
    const disturbed = performance.now()
    const outage = await disturb({ session, pair, clone })
    const complaint = await clone.complaint(AFTER_SECONDS)
    const wire = (await lab.wire('b1')).received - before.received
    const seconds = (performance.now() - disturbed - outage) / 1000
    const text = `${seconds.toFixed(0)} s after it; ${(wire / 1e6).toFixed(1)} MB received, ${clone.routes.join(' → ')}`
    tally.judge(name, complaint ?? fetchedTwice(clone.done, wire, cuts), text)
  } catch (error) {
    tally.judge(name, error.message.split('\n')[0])
  } finally {
    await pair?.close()
  }
}

/** Two witnesses: what dat counts, and what the network card counts. */
function fetchedTwice({ downloadedBytes }, wire, cuts) {
  if (downloadedBytes !== BYTES) return `it counts ${downloadedBytes} bytes for a file of ${BYTES}`
  return wire <= BYTES * WIRE_FACTOR + cuts * CUT_OFF ? null : 'too much was received'
}

async function restartRelay({ session }) {
  const relay = await session.relay()
  await relay.kill()
  await pause(RESTART_MS)
  await relay.start()
  return RESTART_MS
}

/** The middle of the transfer has to go on while only the web is open. */
async function changePolicy({ session, clone }) {
  const started = performance.now()
  await session.lab.policy('a', 'web')
  await clone.arrived(LATER)
  await session.lab.policy('a', 'home')
  return performance.now() - started
}

async function pullCable({ session }) {
  const outage = session.quick ? SHORT_OUTAGE_MS : OUTAGE_MS
  await session.lab.do('cable', 'b1', 'down')
  await pause(outage)
  await session.lab.do('cable', 'b1', 'up')
  return outage
}

async function sleep({ clone }) {
  clone.process.process.kill('SIGSTOP')
  await pause(OUTAGE_MS)
  clone.process.process.kill('SIGCONT')
  return OUTAGE_MS
}

async function killSharer({ pair }) {
  await pair.sharer.kill()
  await pause(RESTART_MS)
  await pair.share()
  return RESTART_MS
}
