import { diagnose, SEVERAL } from '../diagnosis.js'
import { BOOTSTRAP } from '../lab.js'

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

/** The verdict on every policy: with one node, as a small private DHT has, with several, and with a relay. */
export async function doctor(session) {
  const { lab, tally, quick } = session
  const relay = await session.relay().catch(({ message }) => tally.skip('doctor, with a relay', message))
  for (const policy of quick ? QUICK : Object.keys(VERDICTS)) {
    await lab.policy('a', policy)
    const judge = (how, ...args) => {
      const env = policy.startsWith('proxy') ? lab.proxyEnv('a') : {}
      return diagnose(session, { name: `behind ${policy}, ${how}`, args, env, verdict: VERDICTS[policy] })
    }
    await judge('one node', '--bootstrap', BOOTSTRAP)
    await judge('several nodes', '--bootstrap', SEVERAL)
    if (relay) await judge('a relay', '--bootstrap', SEVERAL, '--relay', relay.url)
  }
  await lab.policy('a', 'home')
}
