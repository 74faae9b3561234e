import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DAT } from '../bench/dat.js'
import { SEVERAL } from '../netlab/diagnosis.js'
import { RELAY, whyNoLab } from '../netlab/lab.js'
import { Session } from '../netlab/session.js'
import { makeSoil } from './sample.js'
import { has } from './sandbox.js'
import { Terminal } from './terminal.js'

/**
 * The story of docs/guide.md, played by the real program in the lab of test/netlab: a lab that has data, behind the NAT
 * of its institution, and one that wants it, behind another. Each step leaves a screen.
 */

const SCAN_BYTES = 20_000_000
const MBIT = 40
/** Where each sees its home; a folder that neither the program nor Node is in. */
const MOUNT_POINTS = ['/home', '/srv', '/mnt']

/** Why there can be no screens here, or null. */
export function whyNoTour() {
  for (const program of ['tmux', 'openssl']) if (!has(program)) return `${program} is not installed`
  return whyNoLab()
}

/** @returns {Promise<Map<string, string>>} the screens, by name */
export async function tour(tally, say) {
  const session = await Session.open({ dat: DAT, quick: true }, tally)
  const screens = new Map()
  const keep = (name, screen) => {
    screens.set(name, screen)
    say(name, screen)
  }
  const sides = []
  try {
    const certificate = makeCertificate(session.folder)
    const owner = await openSide(session, 'a1', 'owner', certificate)
    sides.push(owner)
    const other = await openSide(session, 'b1', 'other', certificate)
    sides.push(other)
    await makeSoil(join(owner.home, 'soil-2026'), SCAN_BYTES)
    await deliver(session, owner, other, keep)
    await follow(owner, other, keep)
    await firewall(session, owner, other, certificate, keep)
  } finally {
    for (const { terminal } of sides) terminal.close()
    await session.reset()
    await session.close()
  }
  return screens
}

/** For the relay; both sides trust it as they would one of a known authority. */
function makeCertificate(folder) {
  const [cert, key] = [join(folder, 'relay.pem'), join(folder, 'relay.key')]
  const what = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert]
  const name = ['-subj', `/CN=${RELAY.host}`, '-addext', `subjectAltName=DNS:${RELAY.host}`]
  execFileSync('openssl', [...what, ...name], { stdio: 'pipe' })
  return { cert, key }
}

async function openSide({ lab, folder }, host, name, { cert }) {
  const mountPoint = MOUNT_POINTS.find((place) => ![DAT, process.execPath].some((file) => file.startsWith(`${place}/`)))
  const home = join(folder, name)
  await mkdir(join(home, 'lab'), { recursive: true })
  const bin = join(home, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'dat'), `#!/bin/sh\nexec '${process.execPath}' '${DAT}' "$@"\n`)
  await chmod(join(bin, 'dat'), 0o755)
  const env = { PATH: `${mountPoint}/bin:${process.env.PATH}`, DAT_BOOTSTRAP: SEVERAL, NODE_EXTRA_CA_CERTS: cert }
  const socket = join(folder, `${name}.tmux`)
  return { home: join(home, 'lab'), terminal: await Terminal.open(lab, host, { socket, home, mountPoint, env }) }
}

/** The index is complete, and somebody may come. */
const SHARED = /Shared: [\s\S]*waiting for somebody/

const linkOn = (screen) => /dat:\/\/[a-z0-9]{52}(?:@\S+)?/.exec(screen)[0]

/** From the first share to a clone that was interrupted half way and has everything. */
async function deliver({ lab }, { terminal: owner }, { terminal: other }, keep) {
  await owner.type('dat share soil-2026')
  const shared = await owner.shows(SHARED)
  keep('share', shared)

  await lab.lines({ mbit: MBIT })
  await other.type(`dat clone ${linkOn(shared)}`)
  keep('clone-halfway', await other.shows(/ [3-5]\d ?%/))
  keep('share-halfway', await owner.screen())
  await lab.do('cable', 'b1', 'down')
  keep('clone-stalled', await other.shows('stalled for'))
  await lab.do('cable', 'b1', 'up')
  await lab.lines()
  keep('clone-done', await other.ended())
  keep('share-done', await owner.shows(/has everything[\s\S]*waiting for somebody/))
}

/** What changes afterwards, on both sides. */
async function follow(owner, other, keep) {
  await writeFile(join(owner.home, 'soil-2026/plot-21.csv'), randomBytes(10_000))
  await owner.terminal.shows('1 added')
  await other.terminal.command('cd soil-2026')
  keep('pull', await other.terminal.command('dat pull'))
  keep('status', await other.terminal.command('dat status'))
  keep('verify', await other.terminal.command('dat verify'))

  await writeFile(join(other.home, 'soil-2026/README.txt'), 'My own notes.\n')
  keep('status-altered', await other.terminal.command('dat status'))
  keep('verify-altered', await other.terminal.command('dat verify'))
  await writeFile(join(owner.home, 'soil-2026/README.txt'), 'Soil samples, three years, twenty-one plots.\n')
  await owner.terminal.shows('1 changed')
  keep('pull-altered', await other.terminal.command('dat pull'))
  await other.terminal.command('mv README.txt ../my-notes.txt')
  keep('pull-again', await other.terminal.command('dat pull'))
  await other.terminal.type('dat sync')
  keep('sync', await other.terminal.shows(/Up to date: [\s\S]*complete\)/))
  await other.terminal.interrupt()
  await owner.terminal.interrupt()
  await other.terminal.command('cd')
}

/** The institution of the owner lets only web traffic out. */
async function firewall(session, { terminal: owner }, { terminal: other }, certificate, keep) {
  await session.lab.policy('a', 'web')
  await owner.type('dat share soil-2026')
  keep('share-blocked', await owner.shows(/note: [\s\S]*waiting for somebody/))
  const link = linkOn(await owner.screen())
  keep('clone-blocked', await other.command(`dat clone ${link} copy`))
  await owner.interrupt()
  await owner.type('dat doctor')
  // Behind the verdict comes, at once or a moment later, the code for the other computer.
  const [report] = /^[\s\S]*\nVerdict: [a-z-]+/.exec(await owner.shows(/\nVerdict: [a-z-]+(?:\n|$)/))
  keep('doctor', report)
  await owner.interrupt()
  const mail = await owner.command('dat doctor --it')
  keep('doctor-it', mail.slice(mail.indexOf('Subject: ')))

  await session.relay(['--tls-cert', certificate.cert, '--tls-key', certificate.key])
  await owner.type(`dat share soil-2026 --relay wss://${RELAY.host}`)
  const relayed = await owner.shows(SHARED)
  keep('share-relay', relayed)
  keep('clone-relay', await other.command(`dat clone ${linkOn(relayed)} copy`))
  await owner.interrupt()
}
