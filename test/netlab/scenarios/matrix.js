import { median, table } from '../../bench/report.js'

/** Every kind of network against every other, in two ways: punching holes alone, and with a relay. */

const ALL = ['open', 'home', 'stateful', 'sym', 'noudp', 'web', 'proxy']
const PUNCHING = ['open', 'home', 'stateful', 'sym']
const WITHOUT_UDP = new Set(['noudp', 'web', 'proxy'])
const QUICK_MATRIX = 'home:home,sym:sym,open:web,web:home,noudp:stateful,web:web,proxy:sym,home:proxy,proxy:proxy'
const QUICK_PUNCH = 'home:home,open:stateful,sym:home,stateful:sym'
const BYTES = 20_000_000
/** Between hosts of the two sites. */
const RTT_MS = 60
/** Each first byte must be there in this time, and half of them in the other. */
const WORST_SECONDS = 10
const MEDIAN_SECONDS = 3
const PATIENCE_SECONDS = 45
const PASSWORD = 'let-me-out'

export async function punch(session) {
  const able = PUNCHING.flatMap((a) => PUNCHING.map((b) => [a, b])).filter(([a, b]) => a !== 'sym' || b !== 'sym')
  const pairs = chosen(session, able, QUICK_PUNCH)
  await run(session, 'punch', pairs, async () => ({ share: {}, clone: {} }))
}

export async function matrix(session) {
  const { side } = session.options
  const all = ALL.flatMap((a) => ALL.map((b) => [a, b]))
  // A relay that only the cloner knows reaches the sharer by UDP.
  const able = side === 'clone' ? all.filter(([a]) => !WITHOUT_UDP.has(a)) : all
  const pairs = chosen(session, able, QUICK_MATRIX)
  const relaySides = async () => {
    const { url } = await session.relay()
    const told = { args: ['--relay', url] }
    return side === 'share' ? { share: told, clone: {} } : { share: {}, clone: told }
  }
  await run(session, side === 'share' ? 'matrix' : 'matrix, the cloner told', pairs, relaySides)
  if (!session.options.pairs) await password(session, relaySides)
}

function chosen({ options, quick }, able, quickly) {
  const wanted = options.pairs ?? (quick ? quickly.split(',').map((pair) => pair.split(':')) : able)
  return wanted.filter(([a, b]) => able.some(([x, y]) => a === x && b === y))
}

async function run(session, name, pairs, sidesOf) {
  if (pairs.length === 0) return session.tally.skip(name, 'no such pairs')
  if (session.noDelay) console.log(`  (lines without delay: ${session.noDelay})`)
  else await session.lab.lines({ rtt: RTT_MS })
  const results = new Map()
  for (const [a, b] of pairs) {
    await session.lab.policy('a', a)
    await session.lab.policy('b', b)
    const result = await onePair(session, sidesOf, a, b)
    results.set(`${a}:${b}`, result)
    session.tally.judge(`${name} ${a} → ${b}`, result.why, result.text)
    if (result.late) session.tally.goal(`${name} ${a} → ${b}, in time`, result.late)
  }
  printTable(pairs, results)
  const times = [...results.values()].map(({ firstData }) => firstData ?? Number.POSITIVE_INFINITY)
  const middle = median(times)
  const text = `median ${middle.toFixed(2)} s, longest ${Math.max(...times).toFixed(2)} s`
  const why = middle <= MEDIAN_SECONDS ? null : `more than ${MEDIAN_SECONDS} s`
  session.tally.goal(`${name}: first data`, why, text)
}

async function onePair(session, sidesOf, a, b, login = '') {
  const { lab } = session
  const proxied = (site, policy, side) =>
    policy === 'proxy' ? { ...side, env: { ...side.env, ...lab.proxyEnv(site, login) } } : side
  let pair = null
  try {
    const sides = await sidesOf()
    pair = await session.pair({ bytes: BYTES, sharer: proxied('a', a, sides.share) })
    const clone = pair.clone(proxied('b', b, sides.clone))
    return judged(clone, await clone.complaint(PATIENCE_SECONDS), [pair.sharer, clone.process])
  } catch (error) {
    return { why: error.message, late: null, firstData: null, text: '', routes: [], processes: [] }
  } finally {
    await pair?.close()
  }
}

function judged(clone, complaint, processes) {
  const { firstData, connected, routes } = clone
  const late = firstData !== null && firstData > WORST_SECONDS ? `first data after more than ${WORST_SECONDS} s` : null
  const times = firstData === null ? '' : `first data ${firstData.toFixed(2)} s, peer ${connected.toFixed(2)} s, `
  const text = routes.length > 0 ? `${times}${routes.join(' → ')}` : ''
  return { why: complaint, late, firstData, routes, text, processes }
}

/** Seconds to the first data, and the route. */
function printTable(pairs, results) {
  const order = (i) => [...new Set(pairs.map((pair) => pair[i]))].sort((x, y) => ALL.indexOf(x) - ALL.indexOf(y))
  const cell = (a, b) => {
    const result = results.get(`${a}:${b}`)
    if (!result) return '·'
    if (result.firstData === null) return 'none'
    return `${(result.why ?? result.late) ? '! ' : ''}${result.firstData.toFixed(2)} ${result.routes.join('→')}`
  }
  const columns = order(1)
  const rows = order(0).map((a) => [a, ...columns.map((b) => cell(a, b))])
  console.log(`\n${table(['sharer \\ cloner', ...columns], rows)}\n`)
}

/** A proxy that wants a password gets it, and nobody else. */
async function password(session, relaySides) {
  // Who sits behind the proxy has to know the relay.
  const [a, b] = session.options.side === 'share' ? ['proxy', 'home'] : ['home', 'proxy']
  const name = `matrix ${a} → ${b}, a proxy with a password`
  await session.lab.policy('a', a)
  await session.lab.policy('b', b)
  const { why, text, processes } = await onePair(session, relaySides, a, b, `lab:${PASSWORD}`)
  const told = processes.some(({ events }) => JSON.stringify(events).includes(PASSWORD))
  session.tally.judge(name, why ?? (told ? 'an event holds the password' : null), text)
}
