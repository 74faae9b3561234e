import { environment } from '../pair.js'

/** `dat doctor` on one computer, its code on another one: the two say the same, and what `dat clone` then does. */

const ALL = ['open', 'home', 'stateful', 'sym', 'noudp', 'web', 'proxy', 'blocked']
const QUICK = 'home:home,sym:sym,noudp:home,home:blocked'
const PUNCHING = new Set(['open', 'home', 'stateful', 'sym'])
const BYTES = 20_000_000
const RTT_MS = 60
const CODE_SECONDS = 25
const RESULT_SECONDS = 100
const CLONE_SECONDS = 60
const NO_PEER = 11
/** What a one-ended doctor and the search for somebody who is not there may take together. */
const NOBODY_SECONDS = 75
const EXIT = { direct: 0, relay: 20, none: 21 }

export async function doctorPair(session) {
  if (!session.noDelay) await session.lab.lines({ rtt: RTT_MS })
  const relay = await session.relay()
  const { relayUse } = session.options
  for (const args of [['--relay', relay.url], []]) {
    if (relayUse !== 'both' && relayUse !== (args.length > 0 ? 'with' : 'without')) continue
    for (const [a, b] of chosen(session)) {
      await session.lab.policy('a', a)
      await session.lab.policy('b', b)
      const name = `${a} ↔ ${b}${args.length > 0 ? '' : ', no relay'}`
      try {
        const { why, text } = await onePair(session, a, b, args)
        session.tally.judge(name, why, text)
      } catch (error) {
        session.tally.judge(name, error.message)
      }
    }
  }
}

function chosen({ options, quick }) {
  if (options.pairs) return options.pairs
  if (quick) return QUICK.split(',').map((pair) => pair.split(':'))
  // The doctor is the same on both sides: each pair in one direction, unless all are asked for.
  return ALL.flatMap((a, i) => ALL.slice(options.allPairs ? 0 : i).map((b) => [a, b]))
}

async function onePair(session, a, b, args) {
  const expected = expectation(a, b, args.length > 0)
  const told = await diagnose(session, a, b, args)
  const taken = told.met || expected.route !== 'none' ? await cloned(session, a, b, args) : []
  const wrong = []
  const check = (what, is, wanted) => {
    if (is !== wanted) wrong.push(`${what} ${is} instead of ${wanted}`)
  }
  if (!told.met) check('met', told.met, expected.route !== 'none')
  else {
    check('route here', told.here.route, expected.route)
    check('route there', told.there.route, expected.route)
    check('obstacle here', told.here.obstacle, expected.obstacle)
    check('obstacle there', told.there.obstacle, mirrored(expected.obstacle))
    // Who begins through the relay may be done before the better route is there.
    const ways = [expected.route, told.here.begins]
    if (expected.route !== 'none' && !taken.some((way) => ways.includes(way))) wrong.push('dat clone took another way')
    if (told.differences.length > 0) wrong.push(`the two tables differ: ${told.differences.join(', ')}`)
  }
  wrong.push(...told.exits)
  return {
    why: wrong.length > 0 ? wrong.join('; ') : null,
    text: `${told.text}; clone: ${taken.join(' → ') || 'none'}`
  }
}

/** What is true of these two policies: the lab's own matrix. */
function expectation(a, b, relay) {
  const mute = place(!PUNCHING.has(a), !PUNCHING.has(b))
  const shut = place(a === 'blocked', b === 'blocked')
  if (mute === 'nowhere' && (a !== 'sym' || b !== 'sym')) return { route: 'direct', obstacle: 'nowhere' }
  const obstacle = mute === 'nowhere' ? 'both' : mute
  if (relay && shut === 'nowhere') return { route: 'relay', obstacle }
  return { route: 'none', obstacle: relay ? shut : obstacle }
}

async function diagnose(session, a, b, args) {
  const { lab, options } = session
  const room = await session.room()
  const start = (host, policy, words) =>
    lab.launch(host, process.execPath, [options.dat, 'doctor', ...words, '--json', ...args], {
      cwd: room,
      env: environment(`${room}/home-${host}`, policy === 'proxy' ? lab.proxyEnv(host[0]) : {})
    })
  const first = start('a1', a, ['--wait'])
  let second = null
  try {
    const { code } = await first.event('pair.code', CODE_SECONDS)
    second = start('b1', b, [code])
    const { code: exit } = await Promise.race([second.exit, late(RESULT_SECONDS)])
    const met = second.events.some(({ type }) => type === 'pair.met')
    if (exit === undefined) throw new Error(`no end after ${RESULT_SECONDS} s`)
    return met ? await compared(first, second, exit) : notMet(second, exit)
  } finally {
    await Promise.all([first.interrupt(), second?.kill()])
  }
}

async function compared(first, second, exit) {
  const here = await first.event('pair.result', 5)
  const there = second.events.find(({ type }) => type === 'pair.result')
  if (!there) throw second.failure('no result')
  const { code: firstExit } = await first.exit
  const exits = [firstExit, exit].filter((code) => code !== EXIT[here.route]).map((code) => `exit ${code}`)
  const differences = here.routes.flatMap((mine) => {
    const theirs = there.routes.find(({ route }) => route === mine.route)
    const same = theirs && mine.outcome === theirs.outcome && mine.up === theirs.down && mine.down === theirs.up
    return same ? [] : [mine.route]
  })
  const routes = here.routes.map(({ route, outcome, firstByte, up, down }) =>
    outcome === 'works' ? `${route} ${(firstByte / 1000).toFixed(2)} s ${mbit(up)}/${mbit(down)} Mbit/s` : `no ${route}`
  )
  const text = `${second.seconds.toFixed(0)} s, ${here.route}, ${here.obstacle}: ${routes.join(', ')}`
  return { met: true, here, there, exits, differences, text }
}

function notMet(second, exit) {
  const error = second.events.find(({ type }) => type === 'error')
  const exits = exit === NO_PEER ? [] : [`exit ${exit}: ${error?.message}`]
  if (second.seconds > NOBODY_SECONDS) exits.push(`only after ${second.seconds.toFixed(0)} s`)
  if (!second.events.some(({ type }) => type === 'verdict')) exits.push('no verdict')
  return { met: false, exits, text: `${second.seconds.toFixed(0)} s, not met: ${error?.hint}` }
}

/** The ways by which a clone between the two gets its bytes. */
async function cloned(session, a, b, args) {
  const { lab } = session
  const env = (site, policy) => (policy === 'proxy' ? lab.proxyEnv(site) : {})
  const pair = await session.pair({ bytes: BYTES, sharer: { args, env: env('a', a) } })
  try {
    const clone = pair.clone({ env: env('b', b) })
    await clone.complaint(CLONE_SECONDS)
    return clone.routes
  } finally {
    await pair.close()
  }
}

function place(here, there) {
  return here ? (there ? 'both' : 'here') : there ? 'there' : 'nowhere'
}

function mirrored(where) {
  return { here: 'there', there: 'here' }[where] ?? where
}

function mbit(bytesPerSecond) {
  return bytesPerSecond === null ? '?' : ((bytesPerSecond * 8) / 1e6).toFixed(0)
}

function late(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000, {}).unref())
}
