const BYTES = 20_000_000
const RTT_MS = 60
const LIMIT_SECONDS = 90

/**
 * One sharer behind a symmetric NAT, and several who clone at the same moment. They do not see each other on the local
 * network, so each has to get through by itself.
 */
export async function fleet(session) {
  if (!session.noDelay) await session.lab.lines({ rtt: RTT_MS })
  for (const policy of session.quick ? ['home'] : ['home', 'stateful']) {
    await session.lab.policy('a', 'sym')
    await session.lab.policy('b', policy)
    for (const size of session.quick ? [2] : [2, 5]) await judge(session, policy, size)
  }
}

async function judge(session, policy, size) {
  const name = `fleet sym → ${size} × ${policy}`
  const pair = await session.pair({ bytes: BYTES })
  try {
    const clones = Array.from({ length: size }, () => pair.clone({ args: ['--no-lan'] }))
    const complaints = await Promise.all(clones.map((clone) => clone.complaint(LIMIT_SECONDS)))
    const times = clones.map(({ firstData }) => firstData?.toFixed(1) ?? 'never').join(', ')
    const wrong = complaints.filter((complaint) => complaint !== null)
    const why = wrong.length === 0 ? null : `${wrong.length} of ${size} failed: ${wrong[0]}`
    session.tally.judge(name, why, `first data after ${times} s`)
  } finally {
    await pair.close()
  }
}
