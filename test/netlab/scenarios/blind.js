/**
 * Two symmetric NATs, between which no hole can be punched, and a relay that relays UDP. The witness for the way that
 * the bytes took is the relay's host, which counts the datagrams that came: a transfer by its WebSockets needs none.
 */

const BYTES = 20_000_000
const LONG_BYTES = 60_000_000
const MBIT = 40
const RTT_MS = 60
const FIRST_DATA_SECONDS = 3
const PATIENCE_SECONDS = 60
/** No datagram carries more. */
const MAX_DATAGRAM_BYTES = 1500
/** Of the relay's part in the DHT, and of keep-alives: far fewer than a transfer has. */
const IDLE_DATAGRAMS = 3000

const CASES = {
  'the sharer knows it, and its link': { told: 'share', judge: byUdp },
  'only the cloner knows it': { told: 'clone', judge: byUdp },
  'UDP does not get there': { told: 'share', cut: true, judge: byWebSocket },
  'UDP is cut off in the middle': { told: 'share', bytes: LONG_BYTES, disturb: cutUdp },
  'the relay is restarted in the middle': { told: 'share', bytes: LONG_BYTES, disturb: restartRelay },
  'a hole can be punched': { told: 'share', cloner: 'home', bytes: LONG_BYTES, judge: byOneWay }
}
const RESTART_MS = 2000

export async function blind(session) {
  for (const [name, test] of Object.entries(CASES)) await run(session, `blind, ${name}`, test)
}

async function run(session, name, { told, cut, disturb, judge, bytes = BYTES, cloner = 'sym' }) {
  const { lab, tally } = session
  let pair = null
  try {
    const relay = await session.relay()
    await lab.policy('a', 'sym')
    await lab.policy('b', cloner)
    await lab.lines({ rtt: session.noDelay ? 0 : RTT_MS, mbit: bytes === LONG_BYTES ? MBIT : 0 })
    await lab.do('udp', 'relay', cut ? 'off' : 'on')
    const side = { args: ['--relay', relay.url] }
    pair = await session.pair({ bytes, sharer: told === 'share' ? side : {} })
    const before = await lab.datagrams('relay')
    const clone = pair.clone(told === 'clone' ? side : {})
    if (disturb) {
      await clone.arrived(bytes / 3)
      await disturb({ lab, relay })
    }
    const complaint = await clone.complaint(PATIENCE_SECONDS)
    const datagrams = (await lab.datagrams('relay')) - before
    const theirs = routesOf(pair.sharer)
    const { firstData, routes, done } = clone
    const text = `first data ${firstData?.toFixed(2)} s, ${datagrams} datagrams at the relay, ${routes.join(' → ')}`
    tally.judge(name, complaint ?? judge?.({ datagrams, routes, theirs }) ?? fetchedTwice(done, bytes), text)
    const late = firstData > FIRST_DATA_SECONDS ? `more than ${FIRST_DATA_SECONDS} s` : null
    tally.goal(`${name}: first data`, late, `${firstData?.toFixed(2)} s`)
  } catch (error) {
    tally.judge(name, error.message.split('\n')[0])
  } finally {
    await pair?.close()
    await lab.do('udp', 'relay', 'on')
  }
}

function routesOf(process) {
  return process.events.filter(({ type }) => type === 'peer.connected').map(({ route }) => route)
}

function byUdp({ datagrams, routes, theirs }) {
  if (datagrams < BYTES / MAX_DATAGRAM_BYTES) return 'most of it did not go by UDP'
  const other = [...routes, ...theirs].find((route) => route !== 'relay')
  return other ? `an end says ${other}` : null
}

function byWebSocket({ datagrams, routes, theirs }) {
  if (datagrams > IDLE_DATAGRAMS) return 'UDP got there'
  const other = [...routes, ...theirs].find((route) => route !== 'relay')
  return other ? `an end says ${other}` : null
}

/** Whether a hole is found is a matter of luck, but the two ends have to say the same. */
function byOneWay({ routes, theirs }) {
  const [mine, yours] = [routes.at(-1), theirs.at(-1)]
  return mine === yours ? null : `one end says ${mine}, the other ${yours}`
}

function fetchedTwice({ downloadedBytes }, bytes) {
  return downloadedBytes === bytes ? null : `it counts ${downloadedBytes} bytes for a file of ${bytes}`
}

async function cutUdp({ lab }) {
  await lab.do('udp', 'relay', 'off')
}

async function restartRelay({ relay }) {
  await relay.kill()
  await new Promise((resolve) => setTimeout(resolve, RESTART_MS))
  await relay.start()
}
