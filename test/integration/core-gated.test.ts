import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import { beforeEach, describe, expect, it } from 'vitest'
import type * as links from '../../src/base/invite-link.js'
import { formatLink, parseLink } from '../../src/base/link.js'
import type * as handOver from '../../src/core/hand-over.js'
import type { Gate } from '../../src/core/identity.js'
import type * as channels from '../../src/core/invite-channel.js'
import type * as core from '../../src/core/invites.js'
import type * as ownership from '../../src/core/ownership.js'
import type * as takeOver from '../../src/core/take-over.js'
import type * as connector from '../../src/transport/connector.js'
import type { NoiseStream } from '../../src/transport/transport.js'
import { defer } from '../helpers/cleanup.js'
import { ALONE, built, LISTENING, ON_LAN, TestSession, temporaryFolder } from '../helpers/core.js'
import { ask, attacker, request } from '../helpers/invites.js'

const { makeInvite, revokeInvite, renewInvite, listInvites } = await built<typeof core>('core/invites')
const { parseInvite, formatInvite } = await built<typeof links>('base/invite-link')
const { InviteChannel } = await built<typeof channels>('core/invite-channel')
const { claimOwnership } = await built<typeof ownership>('core/ownership')
const { exportKeys } = await built<typeof handOver>('core/hand-over')
const { importKeys } = await built<typeof takeOver>('core/take-over')
const { connect } = await built<typeof connector>('transport/connector')

const NOTHING = { addresses: [], relays: [] }
const TERMS = { expires: null, uses: null, note: '' }
const HOUR = 3_600_000
const UNKNOWN = { type: 'answer', sealed: null, date: null }
const REVOKED = { code: 'DENIED', exitCode: 12, message: 'this invite was revoked by the owner' }
const INVITED_ONLY = { code: 'DENIED', exitCode: 12, message: 'this share is by invitation only' }

let room: string
let source: { dir: string; store: null; home: string }

beforeEach(async () => {
  room = await temporaryFolder()
  source = { dir: join(room, 'source'), store: null, home: join(room, 'owner') }
  await mkdir(source.dir)
  await writeFile(join(source.dir, 'a.txt'), 'one')
})

async function share(gate?: Gate) {
  const owner = await TestSession.share(source.dir, { home: source.home, ...(gate && { gate }) })
  await owner.event('import.done')
  return owner
}

function make(terms: Partial<core.Terms> = {}) {
  return makeInvite(source, { ...TERMS, ...terms }, NOTHING)
}

/** Somebody with a computer of their own: what was cloned stays in the folder of that name. */
async function clone(link: string, name: string): Promise<void> {
  const copy = await TestSession.invited(link, join(room, name), { home: join(room, `${name}-home`) })
  expect(await copy.done()).toMatchObject({ failures: [] })
  await copy.close()
}

async function add(name: string): Promise<void> {
  await writeFile(join(source.dir, name), name)
}

/** Who looks for a share by its link, and gives up soon. */
async function byLink(link: string, name = 'stranger'): Promise<unknown> {
  const session = await TestSession.clone(link, join(room, name), { timeout: 1 })
  const error = await session.failure()
  await session.close()
  return error
}

/** Another program that knows the key, and asks for nothing but the blocks. @returns what it got once a request was answered */
async function stock(link: string, invite: string): Promise<{ length: number; peers: number }> {
  const { key, addresses } = parseLink(link)
  const store = new Corestore(join(await temporaryFolder(), 'stock'))
  defer(() => store.close())
  const drive = store.get({ key })
  await drive.ready()
  const stream = await new Promise<NoiseStream>((resolve, reject) => {
    const given = { ...ALONE, peers: addresses, topic: parseInvite(invite).topic, report: () => {} }
    const onpeer = ({ stream }: { stream: NoiseStream }) => {
      store.replicate(stream)
      resolve(stream)
    }
    connect({ ...given, onpeer }).then((network) => defer(() => network.close()), reject)
  })
  drive.download({ start: 0, end: -1 })
  // What it opened before is dealt with by the time that this is answered.
  const wrong = request(stream, { ...parseInvite(invite), secret: Buffer.alloc(16) })
  expect(await ask(stream, wrong)).toEqual(UNKNOWN)
  return { length: drive.length, peers: drive.peers.length }
}

describe('a gated share', () => {
  it('serves who came by an invite, and nobody who has the link alone', async () => {
    const owner = await share('gated')
    const { link, id } = await make({ uses: 1 })
    await clone(link, 'guest')
    expect(await stock(owner.link, link)).toEqual({ length: 0, peers: 0 })
    expect(await byLink(owner.link)).toMatchObject(INVITED_ONLY)

    // Whatever becomes of the invite: who was let in is served, also after a restart, and in a folder that was moved.
    await owner.close()
    await revokeInvite(source, id)
    await add('b.txt')
    const again = await share()
    await rm(join(room, 'guest-home'), { recursive: true })
    const pull = await TestSession.pull(join(room, 'guest'), again.link)
    expect(await pull.done()).toMatchObject({ files: 2 })
    await pull.close()
    expect(await byLink(again.link)).toMatchObject(INVITED_ONLY)
    expect((await listInvites(source))[0]?.used).toHaveLength(1)
  })

  it('lets in by any way, such as the local network', async () => {
    const owner = await TestSession.share(source.dir, { home: source.home, gate: 'gated', network: ON_LAN })
    await owner.event('import.done')
    const { link } = await make()
    expect(parseInvite(link).addresses).toEqual([])
    const home = join(room, 'home')
    const copy = await TestSession.invited(link, join(room, 'guest'), { home, network: ON_LAN })
    expect(await copy.done()).toMatchObject({ files: 1 })
    await copy.close()
    const pull = await TestSession.pull(join(room, 'guest'), owner.link, { network: ON_LAN })
    expect(await pull.done()).toMatchObject({ files: 1 })
  })

  it('tells nothing of its link, and stays gated when its index was lost', async () => {
    const owner = await share('gated')
    const { key } = parseLink(owner.link)
    await owner.close()
    await rm(join(source.dir, '.dat'), { recursive: true })
    const again = await share()
    expect(parseLink(again.link).key).toEqual(key)
    for (const one of [owner, again]) {
      expect(one.all('link')).toMatchObject([{ link: null, key: null, gate: 'gated' }])
      for (const spelled of [key.toString('hex'), formatLink(key).slice(6)]) {
        expect(JSON.stringify(one.events)).not.toContain(spelled)
      }
    }
  })

  it('ends for those who came by the link before, and begins again', async () => {
    const open = await share()
    const { link } = await make()
    const old = await TestSession.clone(open.link, join(room, 'old'))
    await old.done()
    await old.close()
    await clone(link, 'guest')
    await open.close()
    await add('b.txt')
    const gated = await share('gated')
    await gated.event('note', ({ message }) => /came by the permanent link keeps what is there/.test(message))
    const refused = await TestSession.pull(join(room, 'old'), gated.link)
    expect(await refused.failure()).toMatchObject(INVITED_ONLY)
    await refused.close()
    // One that came by an invite while it was open.
    const pull = await TestSession.pull(join(room, 'guest'), gated.link)
    expect(await pull.done()).toMatchObject({ files: 2 })
    await pull.close()
    await gated.close()
    await add('c.txt')
    const reopened = await share('open')
    expect(reopened.all('link')).toMatchObject([{ link: reopened.link }])
    for (const name of ['old', 'guest']) {
      const pull = await TestSession.pull(join(room, name), reopened.link)
      expect(await pull.done()).toMatchObject({ files: 3 })
      await pull.close()
    }
  })

  it('is not passed on by its clones, until it is open again', async () => {
    const owner = await share('gated')
    const { link } = await make()
    await clone(link, 'guest')
    const sync = await TestSession.sync(join(room, 'guest'), owner.link)
    const ready = await sync.event('network.ready')
    await sync.event('done')
    expect(sync.all('link')).toMatchObject([{ link: null, gate: 'closed' }])
    const { key } = parseLink(owner.link)
    const here = formatLink(key, { addresses: ready.listening })
    expect(await byLink(here)).toMatchObject({ code: 'NO_PEER' })
    // Nor to another that was invited.
    const { addresses } = parseLink(here)
    const elsewhere = formatInvite({ ...parseInvite(link), addresses })
    const other = TestSession.invited(elsewhere, join(room, 'other'), { home: join(room, 'o'), timeout: 1 })
    await expect(other).rejects.toMatchObject({ code: 'NO_PEER' })
    await expect(makeInvite({ ...source, dir: join(room, 'guest') }, TERMS, NOTHING)).rejects.toMatchObject({
      code: 'NOT_OWNER'
    })

    // It goes on with the folder when the share is open again, and then passes it on.
    await owner.close()
    await sync.close()
    const reopened = await share('open')
    const after = await TestSession.sync(join(room, 'guest'), reopened.link)
    const { listening } = await after.event('network.ready')
    await after.event('done')
    await reopened.close()
    const copy = await TestSession.clone(formatLink(key, { addresses: listening }), join(room, 'last'))
    expect(await copy.done()).toMatchObject({ files: 1 })
  })
})

describe('a strictly gated share', () => {
  it('serves two by their invites until one is revoked, and ends what it still fetches', async () => {
    const owner = await share('strict')
    const [one, two] = [await make({ uses: 1 }), await make()]
    await clone(one.link, 'one')
    await clone(two.link, 'two')
    const [first, second] = await Promise.all(
      ['one', 'two'].map((name) => TestSession.sync(join(room, name), owner.link))
    )
    await Promise.all([first?.event('done'), second?.event('done')])
    await revokeInvite(source, one.id)
    expect(await first?.failure()).toMatchObject(REVOKED)
    await first?.close()
    const pull = await TestSession.pull(join(room, 'one'), owner.link)
    expect(await pull.failure()).toMatchObject(REVOKED)
    // Nor does it get anything as if it were new.
    const fresh = TestSession.invited(one.link, join(room, 'fresh'), { home: join(room, 'one-home') })
    await expect(fresh).rejects.toMatchObject(REVOKED)
    expect(second?.all('peer.disconnected')).toEqual([])
  })

  it('ends a clone in the middle', async () => {
    await writeFile(join(source.dir, 'large.bin'), randomBytes(4_000_000))
    const network = { ...LISTENING, limits: { up: 300_000, down: null } }
    const owner = await TestSession.share(source.dir, { home: source.home, gate: 'strict', network })
    await owner.event('import.done')
    const { link, id } = await make()
    const copy = await TestSession.invited(link, join(room, 'guest'), { home: join(room, 'guest-home') })
    await copy.event('download.progress', ({ bytesDone, bytesTotal }) => bytesDone > 0 && bytesTotal > 4_000_000)
    await revokeInvite(source, id)
    expect(await copy.failure()).toMatchObject(REVOKED)
    expect(copy.all('done')).toEqual([])
  })

  it('serves nobody whose invite has expired, and says when it did', async () => {
    const owner = await share('strict')
    const { link, id } = await make({ expires: Date.now() + HOUR })
    await clone(link, 'guest')
    const sync = await TestSession.sync(join(room, 'guest'), owner.link)
    await sync.event('done')
    await renewInvite(source, id, { expires: Date.parse('2026-01-02T03:04:00Z') })
    const expired = { code: 'DENIED', exitCode: 12, message: 'this invite expired on 2026-01-02 03:04 UTC' }
    expect(await sync.failure()).toMatchObject(expired)
    await sync.close()
    const late = await TestSession.pull(join(room, 'guest'), owner.link)
    expect(await late.failure()).toMatchObject(expired)
    await late.close()
    await renewInvite(source, id, { expires: Date.now() + HOUR })
    const pull = await TestSession.pull(join(room, 'guest'), owner.link)
    expect(await pull.done()).toMatchObject({ files: 1 })
  })
})

describe('against attacks a gated share', () => {
  it('refuses a request that was made for another stream, and asks who was never let in for more', async () => {
    await share('gated')
    const { link, id } = await make()
    const invite = parseInvite(link)
    const sealed = async (options: { user?: number; again?: boolean }) => {
      const { stream } = await attacker(link)
      const told = await ask(stream, request(stream, invite, options))
      return (told?.type === 'answer' && told.sealed?.length) || 0
    }
    const accepted = await sealed({ user: 1 })
    const [victim, thief] = [await attacker(link), await attacker(link)]
    expect(await ask(thief.stream, request(victim.stream, invite, { user: 1, again: true }))).toBeNull()
    const forged = request(thief.stream, invite, { signedFor: victim.stream, user: 1, again: true })
    expect(await ask((await attacker(link)).stream, forged)).toBeNull()
    await revokeInvite(source, id)
    // Shorter than an acceptance by the key and the sign: a refusal.
    expect(await sealed({ user: 1 })).toBe(accepted - 65)
    expect(await sealed({ user: 2, again: true })).toBe(accepted - 65)
    expect(await sealed({ user: 1, again: true })).toBe(accepted)
    expect((await listInvites(source))[0]?.used).toHaveLength(1)
  })

  it('that knows nothing of an invite any more says so to who came by it', async () => {
    const owner = await share('gated')
    const { link } = await make()
    await clone(link, 'guest')
    await rm(join(source.dir, '.dat/invites.jsonl'))
    const pull = await TestSession.pull(join(room, 'guest'), owner.link)
    expect(await pull.failure()).toMatchObject(INVITED_ONLY)
  })

  it('ends when another has its key, although the two serve each other nothing', async () => {
    const owner = await share('gated')
    const { link } = await make()
    const shares = join(source.home, 'shares')
    const [name = ''] = await readdir(shares)
    const { secret } = JSON.parse(await readFile(join(shares, name, 'share.json'), 'utf8')) as { secret: string }
    const store = new Corestore(join(await temporaryFolder(), 'copy'), {
      primaryKey: Buffer.from(secret, 'hex'),
      unsafe: true
    })
    defer(() => store.close())
    await store.ready()
    const keys = await store.createKeyPair('db')
    const { stream } = await attacker(link)
    InviteChannel.of(stream).tell({ type: 'gated', owner: claimOwnership(stream, { since: 1, fork: 0 }, keys) })
    expect(await owner.failure()).toMatchObject({ code: 'INDEX_COPIED' })
  })
})

it('a gated share that moves is gated where it goes', async () => {
  const owner = await share('gated')
  const { link } = await make()
  await clone(link, 'next')
  await owner.close()
  const common = { store: null, network: ALONE, report: () => {}, signal: new AbortController().signal }
  const passphrase = async () => Buffer.from('six frogs in a bottle')
  const file = join(room, 'keys')
  const effort = { operations: 1, memoryKib: 8 * 1024 }
  await exportKeys({ ...common, ...source, passphrase, effort, out: { file } })
  // The former owner lets in who has an invite, as before.
  const former = await TestSession.share(source.dir, { home: source.home })
  const { listening } = await former.event('network.ready')
  expect(former.all('link')).toMatchObject([{ link: null, gate: 'gated' }])
  expect(await byLink(formatLink(parseLink(owner.link).key, { addresses: listening }))).toMatchObject(INVITED_ONLY)
  await clone(formatInvite({ ...parseInvite(link), addresses: listening }), 'other')
  await former.close()

  const [dir, home] = [join(room, 'next'), join(room, 'next-home')]
  await importKeys({ ...common, dir, home, passphrase, file, copied: false, timeout: 0.1 })
  const next = await TestSession.share(dir, { home })
  await next.event('import.done')
  expect(next.all('link')).toMatchObject([{ link: null, gate: 'gated' }])
  expect(await byLink(next.link)).toMatchObject(INVITED_ONLY)
  const invite = await makeInvite({ dir, store: null, home }, TERMS, NOTHING)
  await clone(invite.link, 'guest')
})
