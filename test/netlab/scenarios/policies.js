import { fileURLToPath } from 'node:url'

const PROBE = fileURLToPath(new URL('../services/probe.js', import.meta.url))
const ROUTER = '5.5.1.1'

/** What must come through: names, TCP 443, other TCP, UDP 443, UDP elsewhere, and who is seen there. */
const EXPECTED = {
  open: { dns: 1, web: 1, other: 1, low: 1, high: 1, seen: 'host' },
  stateful: { dns: 1, web: 1, other: 1, low: 1, high: 1, seen: 'host' },
  home: { dns: 1, web: 1, other: 1, low: 1, high: 1, seen: 'router' },
  sym: { dns: 1, web: 1, other: 1, low: 1, high: 1, seen: 'router, two ports' },
  noudp: { dns: 1, web: 1, other: 1, low: 0, high: 0 },
  web: { dns: 1, web: 1, other: 0, low: 0, high: 0 },
  quic: { dns: 1, web: 1, other: 0, low: 1, high: 0 },
  lowport: { dns: 1, web: 1, other: 1, low: 0, high: 0 },
  proxy: { dns: 0, web: 0, other: 0, low: 0, high: 0 },
  blocked: { dns: 0, web: 0, other: 0, low: 0, high: 0 },
  'web:reject': { dns: 1, web: 1, other: 0, low: 0, high: 0 },
  'blocked:reject': { dns: 0, web: 0, other: 0, low: 0, high: 0 }
}
const QUICK = ['stateful', 'sym', 'web', 'proxy', 'blocked']

export async function policies({ lab, tally, quick }) {
  for (const policy of quick ? QUICK : Object.keys(EXPECTED)) {
    await lab.policy('a', policy)
    const found = await probe(lab, 'a1', `${lab.address('ap')}:3128`)
    const wrong = differences(policy, found, lab.address('a1'))
    tally.judge(`policy ${policy}`, wrong.length > 0 ? wrong.join('; ') : null)
  }
  await lab.policy('a', 'home')
}

async function probe(lab, host, proxy) {
  const child = lab.launch(host, process.execPath, [PROBE, proxy])
  await child.success(20)
  return child.events.at(-1)
}

function differences(policy, found, address) {
  const { seen, ...passes } = EXPECTED[policy]
  const wrong = []
  const expect = (what, wanted) => {
    if (!wanted) wrong.push(`${what}: ${JSON.stringify(found[what])}`)
  }
  const through = {
    ...found,
    low: found.low === 'timeout' ? 'timeout' : 'ok',
    high: found.high === 'timeout' ? 'timeout' : 'ok'
  }
  for (const [what, wanted] of Object.entries(passes)) expect(what, (through[what] === 'ok') === Boolean(wanted))
  if (policy.endsWith(':reject')) expect('other', found.other === 'ECONNREFUSED')
  else if (!passes.other) expect('other', found.other === 'timeout')
  // The proxy stands in every site, so that a policy can be changed under it; behind `blocked` it gets nowhere.
  expect('proxied', (found.proxied === '200') === !policy.startsWith('blocked'))
  expect('refused', found.refused === '403')
  if (seen) {
    const [host, port] = found.high.split(':')
    expect('high', host === (seen === 'host' ? address : ROUTER))
    expect('low', (found.low.split(':')[1] === port) === !seen.endsWith('two ports'))
  }
  return wrong
}
