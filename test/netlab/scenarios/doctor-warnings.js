import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { diagnose, SEVERAL } from '../diagnosis.js'
import { RELAY } from '../lab.js'

/** What `dat doctor` says of networks in which something special is wrong. */

const INSPECTOR = fileURLToPath(new URL('../services/inspector.js', import.meta.url))
const INSPECTOR_PORT = 8443
const INSPECTOR_NAME = 'Lab Inspection'
const HOUR = 3600
const WWW = '5.5.0.30'
/** No computer has this address. */
const NOBODY = '5.5.0.77'
const NODES = ['--bootstrap', SEVERAL]
const WELL = ['direct', 0]
/** A relay that takes the connection and says nothing holds the doctor up. */
const PATIENT_SECONDS = 8

export async function doctorWarnings(session) {
  await session.lab.policy('a', 'home')
  await nowhere(session)
  await deadRelays(session)
  await strangeDht(session)
  await namesInside(session)
  let trust = null
  try {
    trust = authorities(session.folder)
    await session.relay(['--tls-cert', trust.relay.cert, '--tls-key', trust.relay.key])
  } catch ({ message }) {
    return session.tally.skip('doctor: clocks and TLS', message)
  }
  await resigned(session, trust)
  await clocks(session, trust)
}

/** Networks that lead nowhere. */
async function nowhere(session) {
  const { lab } = session
  await lab.do('gateway', 'a1', 'off')
  await diagnose(session, { name: 'no router', args: NODES, verdict: ['lan-only', 21], certain: true })
  await lab.do('gateway', 'a1', 'on')
  await lab.do('uplink', 'a', 'down')
  // A router tells one computer six times in a row that there is no way, and then once a second (icmp_ratelimit of
  // Linux): right after one run the next would hear nothing.
  await diagnose(session, { name: 'a router without a line', args: NODES, verdict: ['lan-only', 21], rest: 8 })
  await lab.do('uplink', 'a', 'up')
  await lab.do('cable', 'a1', 'down')
  await diagnose(session, { name: 'no cable', args: NODES, verdict: ['offline', 21], certain: true })
  await lab.do('cable', 'a1', 'up')
  await lab.do('gateway', 'a1', 'on')
  await lab.do('multicast', 'a', 'off')
  await diagnose(session, { name: 'no multicast', args: NODES, verdict: WELL, warnings: ['multicast-blocked'] })
  await lab.do('multicast', 'a', 'on')
}

async function deadRelays(session) {
  const dead = {
    'a relay that is not running': [`ws://${WWW}:8443`, 'refused'],
    'a relay that never answers': [`ws://${WWW}:9`, 'does not answer'],
    'a relay whose computer is not there': [`ws://${NOBODY}:443`, NOBODY],
    'a relay that is something else': ['ws://www.lab:443', 'does not answer like a web server'],
    'a relay that does not speak TLS': ['wss://www.lab:443', 'no TLS'],
    'a relay whose name is unknown': ['wss://nosuch.lab', 'nosuch.lab']
  }
  for (const [name, [url, says]] of Object.entries(dead)) {
    const args = [...NODES, '--relay', url]
    await diagnose(session, {
      name,
      args,
      verdict: WELL,
      warnings: ['relay-unreachable'],
      says,
      seconds: PATIENT_SECONDS
    })
  }
  await session.lab.policy('a', 'noudp')
  for (const [name, [url, says]] of Object.entries(dead)) {
    const args = [...NODES, '--relay', url]
    const verdict = ['udp-blocked', 20]
    await diagnose(session, { name: `no UDP, ${name}`, args, verdict, warnings: ['relay-unreachable'], says })
  }
  // A single server that is down must not make this network a blocked one.
  await session.lab.policy('a', 'web')
  const args = [...NODES, '--relay', dead['a relay whose computer is not there'][0]]
  await diagnose(session, {
    name: 'only the web, a relay that is not there',
    args,
    verdict: ['web-only', 20],
    warnings: ['relay-unreachable']
  })
  await session.lab.policy('a', 'home')
}

/** Nodes that are not there, and a network in which they could be. */
async function strangeDht(session) {
  const closed = ['--bootstrap', `${WWW}:49990,5.5.0.1:49991`]
  const warnings = ['dht-unreachable']
  const verdict = ['udp-blocked', 20]
  await diagnose(session, { name: 'DHT nodes that are not running', args: closed, verdict, warnings, certain: false })
  const unknown = ['--bootstrap', 'nosuch1.lab:49737,nosuch2.lab:49737', '--web', 'www.lab:443']
  await diagnose(session, {
    name: 'DHT nodes with unknown names',
    args: unknown,
    verdict: ['web-only', 20],
    warnings,
    certain: false
  })
}

/** The name server knows this site alone; what is outside, only the proxy finds. */
async function namesInside(session) {
  const { lab } = session
  await lab.policy('a', 'proxy')
  await lab.do('names', 'a', 'inside')
  const relay = await session.relay()
  const verdict = ['proxy-only', 20]
  const env = lab.proxyEnv('a')
  const args = [...NODES, '--relay', relay.url]
  await diagnose(session, { name: 'names for the proxy alone', args, env, verdict, certain: true })
  const bare = [...NODES, '--relay', relay.url]
  const unproxied = { name: 'names for the proxy alone, which is not named', args: bare }
  await diagnose(session, {
    ...unproxied,
    verdict: ['udp-blocked', 20],
    certain: false,
    warnings: ['relay-unreachable']
  })
  await lab.do('names', 'a', 'all')
  // The proxy itself is shut in: it refuses at once, as one does whose servers are not running.
  for (const policy of ['blocked', 'blocked:reject']) {
    await lab.policy('a', policy)
    const closed = { name: `${policy}, and a proxy that is shut in`, args: NODES, env }
    if (policy === 'blocked') await diagnose(session, { ...closed, verdict: ['blocked', 21] })
    else await diagnose(session, { ...closed, verdict, certain: false })
  }
  await lab.policy('a', 'home')
  await session.reset()
}

/** A firewall that opens TLS. */
async function resigned(session, trust) {
  const { lab } = session
  const url = `wss://${RELAY.host}`
  const args = [...NODES, '--relay', url]
  const world = { NODE_EXTRA_CA_CERTS: trust.world }
  await diagnose(session, { name: 'a relay by TLS', args, env: world, verdict: WELL })
  const routes = [`${RELAY.host}=${RELAY.address}`, `www.lab=${WWW}:443`]
  const inspector = lab.launch('ra', process.execPath, [
    INSPECTOR,
    String(INSPECTOR_PORT),
    trust.inspector,
    trust.world,
    ...routes
  ])
  try {
    await lab.do('inspect', 'a', INSPECTOR_PORT)
    const signed = { warnings: ['tls-intercepted'], says: INSPECTOR_NAME }
    await diagnose(session, { name: 'TLS signed anew', args, env: world, verdict: WELL, ...signed })
    const web = [...NODES, '--web', 'www.lab:443']
    const seen = { warnings: ['tls-intercepted'], says: INSPECTOR_NAME }
    await diagnose(session, { name: 'TLS to the web signed anew', args: web, env: world, verdict: WELL, ...seen })
    const given = [...args, '--relay-ca', trust.inspectorCa]
    await diagnose(session, { name: 'TLS signed anew, --relay-ca', args: given, env: world, verdict: WELL })
    const both = { NODE_EXTRA_CA_CERTS: trust.both }
    await diagnose(session, { name: 'TLS signed anew, NODE_EXTRA_CA_CERTS', args, env: both, verdict: WELL })
    await lab.policy('a', 'web')
    const only = { verdict: ['web-only', 20] }
    await diagnose(session, { name: 'only the web, TLS signed anew', args, env: world, ...only, ...signed })
    await diagnose(session, { name: 'only the web, --relay-ca', args: given, env: world, ...only })
  } finally {
    await lab.do('inspect', 'a', 'off')
    await inspector.kill()
    await lab.policy('a', 'home')
  }
}

/** A computer with a wrong clock, and a relay with one. */
async function clocks(session, trust) {
  const { lab } = session
  if (session.noDelay?.includes('gcc')) return session.tally.skip('doctor: a wrong clock', session.noDelay)
  const preload = { LD_PRELOAD: await lab.do('clock'), NODE_EXTRA_CA_CERTS: trust.world }
  const args = [...NODES, '--relay', `wss://${RELAY.host}`]
  const off = (name, seconds, more) =>
    diagnose(session, {
      ...{ name, args, verdict: WELL, warnings: ['clock-wrong'] },
      env: { ...preload, CLOCK_SHIFT: String(seconds) },
      ...more
    })
  await off('a right clock, shifted by nothing', 0, { warnings: [] })
  await off('a clock that is an hour late', -HOUR, { says: '60 minutes' })
  await off('a clock that is two hours early', 2 * HOUR, { says: '2 hours' })
  await off('a clock of years ago', -10 * 365 * 24 * HOUR, { says: '10 years' })
  await lab.policy('a', 'proxy')
  const proxied = { env: { ...preload, CLOCK_SHIFT: String(-HOUR), ...lab.proxyEnv('a') } }
  await off('an hour late behind a proxy', -HOUR, { ...proxied, verdict: ['proxy-only', 20] })
  await lab.policy('a', 'home')
}

/** An authority that the world trusts and one that an inspecting firewall has, each with its certificates. */
function authorities(folder) {
  const file = (name) => join(folder, name)
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' })
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const authority = (id, name) =>
    openssl(
      'req',
      '-x509',
      ...fresh,
      '-days',
      '30',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      file(`${id}.key`),
      '-out',
      file(`${id}.pem`)
    )
  const certify = (host, id, by) => {
    openssl('req', ...fresh, '-subj', `/CN=${host}`, '-keyout', file(`${id}.key`), '-out', file(`${id}.csr`))
    writeFileSync(file(`${id}.names`), `subjectAltName=DNS:${host}`)
    const signer = ['-CA', file(`${by}.pem`), '-CAkey', file(`${by}.key`), '-CAcreateserial']
    openssl(
      'x509',
      '-req',
      '-in',
      file(`${id}.csr`),
      '-days',
      '30',
      ...signer,
      '-extfile',
      file(`${id}.names`),
      '-out',
      file(`${id}.pem`)
    )
    return { cert: file(`${id}.pem`), key: file(`${id}.key`) }
  }
  authority('world', 'Lab World CA')
  authority('inspection', `${INSPECTOR_NAME} CA`)
  const relay = certify(RELAY.host, 'relay', 'world')
  for (const host of [RELAY.host, 'www.lab']) certify(host, host, 'inspection')
  execFileSync('sh', ['-c', 'cat "$1" "$2" > "$3"', 'sh', file('world.pem'), file('inspection.pem'), file('both.pem')])
  return {
    relay,
    world: file('world.pem'),
    inspector: folder,
    inspectorCa: file('inspection.pem'),
    both: file('both.pem')
  }
}
