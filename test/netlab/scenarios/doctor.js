import { BOOTSTRAP } from '../lab.js'
import { environment } from '../pair.js'

/** What `dat doctor` must say behind each policy, and its exit code. */
const VERDICTS = {
  open: ['open', 0],
  stateful: ['direct', 0],
  home: ['direct', 0],
  sym: ['symmetric-nat', 0],
  noudp: ['udp-blocked', 20],
  web: ['web-only', 20],
  proxy: ['proxy-only', 20],
  blocked: ['blocked', 21],
  'noudp:reject': ['udp-blocked', 20],
  'web:reject': ['web-only', 20],
  'proxy:reject': ['proxy-only', 20],
  'blocked:reject': ['blocked', 21],
  quic: ['web-only', 20],
  lowport: ['udp-blocked', 20]
}
const QUICK = ['open', 'sym', 'noudp', 'web:reject', 'proxy', 'blocked']
const RUNS = 3
const LIMIT_SECONDS = 15
/** Where all is well. */
const WELL_SECONDS = 5
/** More nodes than one, so that none decides alone; and only one, as a small private DHT has. */
const SEVERAL = [BOOTSTRAP, '5.5.0.2:49737', '5.5.0.3:49737'].join(',')
const DEAD_RELAY = 'ws://5.5.0.30:8443'

/** The verdict on every policy, with one node and with several, with and without a relay; then the warnings. */
export async function doctor(session) {
  const { tally, quick } = session
  const relay = await session.relay().catch(({ message }) => tally.skip('doctor, with a relay', message))
  for (const policy of quick ? QUICK : Object.keys(VERDICTS)) {
    await session.lab.policy('a', policy)
    await judge(session, policy, 'one node', ['--bootstrap', BOOTSTRAP])
    await judge(session, policy, 'several nodes', ['--bootstrap', SEVERAL])
    if (relay) await judge(session, policy, 'a relay', ['--bootstrap', SEVERAL, '--relay', relay.url])
  }
  await session.lab.policy('a', 'home')
  await judge(session, 'home', 'a dead relay', ['--bootstrap', SEVERAL, '--relay', DEAD_RELAY], ['relay-unreachable'])
  await session.lab.do('multicast', 'a', 'off')
  await judge(session, 'home', 'no multicast', ['--bootstrap', SEVERAL], ['multicast-blocked'])
  await session.lab.do('multicast', 'a', 'on')
  await session.lab.do('cable', 'a1', 'down')
  const nowhere = await examine(session, 'home', ['--bootstrap', SEVERAL])
  tally.judge('doctor without a cable', complaint(nowhere, ['offline', 21], [], LIMIT_SECONDS))
  await session.lab.do('cable', 'a1', 'up')
}

async function judge(session, policy, how, args, warnings = []) {
  const wrong = []
  let slowest = 0
  const runs = session.quick ? 1 : RUNS
  for (let i = 0; i < runs; i++) {
    const found = await examine(session, policy, args)
    slowest = Math.max(slowest, found.seconds)
    const why = complaint(found, VERDICTS[policy], warnings, VERDICTS[policy][1] === 0 ? WELL_SECONDS : LIMIT_SECONDS)
    if (why) wrong.push(why)
  }
  const name = `doctor behind ${policy}, ${how}`
  session.tally.judge(name, wrong.length > 0 ? wrong.join('; ') : null, `${runs} runs, ${slowest.toFixed(1)} s at most`)
}

async function examine({ lab, options, folder }, policy, args) {
  const proxy = policy.startsWith('proxy') ? lab.proxyEnv('a') : {}
  const env = { ...environment(folder), ...proxy }
  const child = lab.launch('a1', process.execPath, [options.dat, 'doctor', '--json', ...args], { cwd: folder, env })
  const { code } = await Promise.race([child.exit, late(2 * LIMIT_SECONDS)])
  if (code === undefined) await child.kill()
  const seconds = ((child.endedAt ?? performance.now()) - child.startedAt) / 1000
  return { code, seconds, verdict: child.events.find(({ type }) => type === 'verdict'), events: child.events }
}

function complaint({ code, seconds, verdict, events }, [wanted, exit], warnings, limit) {
  const wrong = []
  if (verdict?.code !== wanted) wrong.push(`says ${verdict?.code}: ${summaries(events)}`)
  if (code !== exit) wrong.push(`exit ${code}`)
  const warned = (verdict?.warnings ?? []).map((warning) => warning.code)
  if (warned.join() !== warnings.join()) wrong.push(`warns of ${warned.join() || 'nothing'}`)
  if (seconds > limit) wrong.push(`took ${seconds.toFixed(1)} s`)
  return wrong.length > 0 ? wrong.join(', ') : null
}

function summaries(events) {
  return events
    .filter(({ type }) => type === 'probe')
    .map(({ id, status, summary }) => `${id} ${status} (${summary})`)
    .join(', ')
}

function late(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000, {}).unref())
}
