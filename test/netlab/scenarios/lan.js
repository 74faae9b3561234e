const BYTES = 20_000_000
const FIRST_SECONDS = 10
const PORT = 4977

/** Site A lets nothing out; a1 shares, a2 clones. */
export async function lan(session) {
  const { lab } = session
  await lab.policy('a', 'blocked')
  await judge(session, 'found by multicast DNS', 'lan')
  await lab.do('ipv6', 'a', 'only')
  await judge(session, 'found by multicast DNS over IPv6 alone', 'lan')
  await lab.do('ipv6', 'a', 'off')
  await lab.do('multicast', 'a', 'off')
  await judge(session, 'multicast filtered: the link carries the address', 'tcp', ['--listen', String(PORT)])
  await lab.do('multicast', 'a', 'on')
  await lab.policy('a', 'home')
}

async function judge(session, name, route, args = []) {
  let pair = null
  try {
    pair = await session.pair({ bytes: BYTES, sharer: { args } })
    const clone = pair.clone({ host: 'a2' })
    const complaint = await clone.complaint()
    const { firstData, routes } = clone
    const wrong = routes[0] === route ? null : `route ${routes[0]} instead of ${route}`
    const late = firstData > FIRST_SECONDS ? `more than ${FIRST_SECONDS} s` : null
    session.tally.judge(`lan, ${name}`, complaint ?? wrong ?? late, `first data ${firstData?.toFixed(2)} s`)
  } catch (error) {
    session.tally.judge(`lan, ${name}`, error.message)
  } finally {
    await pair?.close()
  }
}
