import NoiseSecretStream from '@hyperswarm/secret-stream'
import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Door } from '../../../src/core/door.js'
import type { OpenDrive } from '../../../src/core/drive.js'
import { InviteChannel, type Told } from '../../../src/core/invite-channel.js'
import { InviteDesk } from '../../../src/core/invite-desk.js'
import { claimOwnership } from '../../../src/core/ownership.js'
import type { Network, NoiseStream, Peer } from '../../../src/transport/transport.js'
import { temporaryFolder } from '../../helpers/core.js'

const OWNER = crypto.keyPair()
const INVITED_ONLY = { code: 'DENIED', exitCode: 12, message: 'this share is by invitation only' }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Both ends of a stream, after the handshake. */
async function pair(): Promise<[NoiseStream, NoiseStream]> {
  const [one, other] = [new NoiseSecretStream(true, null), new NoiseSecretStream(false, null)]
  const [a, b] = [one, other].map(({ rawStream }) => rawStream as unknown as NodeJS.ReadWriteStream)
  if (a && b) a.pipe(b).pipe(a)
  for (const stream of [one, other]) stream.on('error', () => {})
  await Promise.all([one.opened, other.opened])
  return [one, other]
}

function peerOf(stream: NoiseStream): Peer {
  return { id: 'x', publicKey: stream.remotePublicKey, route: 'tcp', address: '127.0.0.1:1', stream }
}

describe('a gated share', () => {
  it('says so at once, and closes a stream on which nothing is asked for ten seconds', async () => {
    const [here, there] = await pair()
    const admitted: Peer[] = []
    const desk = new InviteDesk({
      ...{ store: await temporaryFolder(), key: Buffer.alloc(32), gate: 'gated', report: () => {} },
      claim: ({ stream }) => claimOwnership(stream, { since: 1, fork: 0 }, OWNER),
      admit: (peer) => admitted.push(peer)
    })
    const told = new Promise<Told>((resolve) => {
      InviteChannel.of(there).ontold = resolve
    })
    desk.meet(peerOf(here))
    expect(await told).toMatchObject({ type: 'gated', owner: { since: 1, fork: 0 } })
    vi.advanceTimersByTime(9_000)
    expect(here.destroying).toBe(false)
    const closed = new Promise((resolve) => there.once('close', resolve))
    vi.advanceTimersByTime(1_500)
    await closed
    expect(admitted).toEqual([])
    desk.close()
  })
})

/** A clone that came by the link, and what the others say to it. */
function clone({ peers = [] as unknown[] } = {}) {
  const core = { peers, manifest: { signers: [{ publicKey: OWNER.publicKey }] } }
  const open = { identity: { role: 'clone' }, drive: { core } } as unknown as OpenDrive
  const attached: Peer[] = []
  const claims: unknown[] = []
  const door = new Door({
    ...{ open, desk: null, gated: false, asker: null, report: () => {} },
    attach: (peer) => attached.push(peer),
    onclaim: (_peer, claim) => claims.push(claim)
  })
  let denied: unknown = null
  void door.denied.then((error) => {
    denied = error
  })
  return { door, core, attached, claims, denied: () => denied }
}

/** Somebody says to the clone that it is a gated share. @returns once that was heard */
async function claim(
  { door, claims }: ReturnType<typeof clone>,
  keys: { publicKey: Buffer; secretKey: Buffer } | null
) {
  const [here, there] = await pair()
  door.meet(peerOf(here))
  const owner = keys && claimOwnership(there, { since: 1, fork: 0 }, keys)
  const before = claims.length
  InviteChannel.of(there).tell({ type: 'gated', owner })
  await vi.waitUntil(() => claims.length > before)
  return peerOf(here)
}

/** What is due by then has happened, promises included. */
async function elapse(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

describe('a clone that came by the link', () => {
  it('believes nobody who says that the share is gated, while its patience lasts or anybody else is there', async () => {
    const one = clone()
    expect(one.door.inviteOnly).toBeNull()
    const stranger = await claim(one, null)
    await claim(one, crypto.keyPair())
    const network = { peers: new Map([['a', stranger]]) } as unknown as Network
    expect(one.door.inviteOnly).toMatchObject(INVITED_ONLY)
    expect(one.door.inviteOnlyFor(network)).toBeNull()
    await elapse(14_000)
    const [other] = await pair()
    const more = { peers: new Map([...network.peers, ['b', peerOf(other)]]) } as unknown as Network
    expect(one.door.inviteOnlyFor(more)).toBeNull()
    await elapse(14_000)
    expect(one.door.inviteOnlyFor(network)).toBeNull()
    await elapse(2_000)
    expect(one.door.inviteOnlyFor(network)).toMatchObject(INVITED_ONLY)
    expect(one.denied()).toBeNull()
    one.door.close()
  })

  it('believes the owner, once nobody serves it', async () => {
    const one = clone({ peers: [{}] })
    await claim(one, OWNER)
    await elapse(5_000)
    expect(one.denied()).toBeNull()
    one.core.peers.length = 0
    await elapse(1_000)
    expect(one.denied()).toMatchObject(INVITED_ONLY)
    one.door.close()
  })

  it('does not take what the owner said to another for its word', async () => {
    const one = clone()
    const [elsewhere] = await pair()
    const [here, there] = await pair()
    one.door.meet(peerOf(here))
    InviteChannel.of(there).tell({ type: 'gated', owner: claimOwnership(elsewhere, { since: 1, fork: 0 }, OWNER) })
    await vi.waitUntil(() => one.claims.length > 0)
    await elapse(5_000)
    expect(one.denied()).toBeNull()
    one.door.close()
  })
})
