import { fileURLToPath } from 'node:url'
import { table } from '../../bench/report.js'

const FLOW = fileURLToPath(new URL('../services/udx-flow.js', import.meta.url))
const LINK_MBIT = 200
const RTT_MS = 50
const BYTES = 300_000_000
const QUICK_BYTES = 100_000_000
const LIMIT_SECONDS = 300

/** What share of the link is to be filled, at which loss (per mille, in each direction). */
const CASES = [
  { way: 'UDX', policy: 'home', permille: 0, target: 0.85 },
  { way: 'UDX', policy: 'home', permille: 1, target: 0.85 },
  { way: 'UDX', policy: 'home', permille: 10, target: 0.75 },
  { way: 'relay, TCP', policy: 'web', permille: 1, target: 0.5, relay: true }
]

/** One line of the two sites is the narrow one: its speed, its queue and its loss count. */
export async function throughput(session) {
  if (session.noDelay) return session.tally.skip('throughput', session.noDelay)
  const rows = []
  for (const test of session.quick ? CASES.filter(({ permille }) => permille === 1) : CASES) {
    const name = `throughput ${test.way}, ${test.permille / 10} % loss`
    try {
      const { why, text, row } = await measure(session, test)
      session.tally.goal(name, why, text)
      const bare = test.relay ? '' : await bareUdx(session)
      rows.push([test.way, `${test.permille / 10} %`, ...row, bare])
    } catch (error) {
      session.tally.judge(name, error.message)
    }
  }
  if (rows.length > 0)
    console.log(`\n${table(['way', 'loss', 'Mbit/s', 'of the link', 'with the start', 'a bare stream'], rows)}\n`)
}

async function measure(session, { policy, permille, target, relay }) {
  const { lab } = session
  const args = relay ? ['--relay', (await session.relay()).url] : []
  await lab.policy('a', policy)
  await lab.policy('b', policy)
  await lab.lines({ rtt: RTT_MS, mbit: LINK_MBIT, permille })
  const bytes = session.quick ? QUICK_BYTES : BYTES
  const pair = await session.pair({ bytes, sharer: { args } })
  try {
    const clone = pair.clone()
    const complaint = await clone.complaint(LIMIT_SECONDS)
    if (complaint !== null) throw new Error(complaint)
    const { startedAt } = clone.process
    const ended = (clone.done.at - startedAt) / 1000
    const mbit = (seconds) => (bytes * 8) / seconds / 1e6
    const reached = mbit(ended - clone.connected)
    const share = reached / LINK_MBIT
    return {
      why: share >= target ? null : `less than ${target * 100} % of the link`,
      text: `${reached.toFixed(0)} Mbit/s, ${(share * 100).toFixed(0)} % of the link, ${clone.routes.join(' → ')}`,
      row: [reached.toFixed(0), `${(share * 100).toFixed(0)} %`, mbit(ended).toFixed(0)]
    }
  } finally {
    await pair.close()
  }
}

/** What one UDX stream without dat reaches on the same line, at the same hour, on a machine with the same load. */
async function bareUdx({ lab, quick }) {
  await lab.policy('a', 'open')
  await lab.policy('b', 'open')
  const run = (host, role, other) =>
    lab.launch(host, process.execPath, [FLOW, role, lab.address(other), String(quick ? QUICK_BYTES : BYTES)])
  const receiver = run('b1', 'receive', 'a1')
  await receiver.event(({ ready }) => ready)
  const sender = run('a1', 'send', 'b1')
  try {
    const { mbit } = await receiver.event((event) => event.mbit > 0, LIMIT_SECONDS)
    return mbit.toFixed(0)
  } finally {
    await Promise.all([sender.kill(), receiver.kill()])
  }
}
