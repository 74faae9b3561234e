const BYTES = 1_000_000
const LIMIT_SECONDS = 10
const NO_PEER = 11
const QUICK = [
  ['home', 'blocked'],
  ['blocked', 'home']
]
const ALL = [...QUICK, ['home', 'blocked:reject'], ['blocked:reject', 'home'], ['blocked', 'blocked']]

/** Who clones is told within ten seconds, by an error that points to the doctor. */
export async function blocked(session) {
  for (const [a, b] of session.quick ? QUICK : ALL) await judge(session, a, b, [])
  const name = 'blocked, with a relay'
  const relay = await session.relay().catch(({ message }) => session.tally.skip(name, message))
  if (!relay) return
  for (const [a, b] of QUICK) await judge(session, a, b, ['--relay', relay.url])
}

async function judge(session, a, b, args) {
  await session.lab.policy('a', a)
  await session.lab.policy('b', b)
  const pair = await session.pair({ bytes: BYTES, sharer: { args } })
  try {
    const clone = pair.clone()
    const { code } = await Promise.race([clone.process.exit, late(2 * LIMIT_SECONDS)])
    const seconds = ((clone.process.endedAt ?? performance.now()) - clone.process.startedAt) / 1000
    const hint = clone.error?.hint ?? ''
    const wrong = []
    if (code === undefined) wrong.push(`no end after ${2 * LIMIT_SECONDS} s`)
    else if (code !== NO_PEER) wrong.push(`exit ${code}`)
    else if (seconds > LIMIT_SECONDS) wrong.push(`only after ${seconds.toFixed(1)} s`)
    if (code !== undefined && !hint.includes('`dat doctor`')) wrong.push(`the hint names no doctor: ${hint}`)
    const name = `blocked ${a} → ${b}${args.length > 0 ? ', with a relay' : ''}`
    const text = `${seconds.toFixed(1)} s: ${clone.error?.message ?? 'no error event'}`
    session.tally.judge(name, wrong.length > 0 ? wrong.join('; ') : null, text)
  } finally {
    await pair.close()
  }
}

function late(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000, {}).unref())
}
