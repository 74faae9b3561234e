import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pairing from 'blind-pairing-core'
import { beforeEach, describe, expect, it } from 'vitest'
import type * as links from '../../src/base/invite-link.js'
import { parseLink } from '../../src/base/link.js'
import type * as channels from '../../src/core/invite-channel.js'
import type * as proofs from '../../src/core/invite-proof.js'
import type * as core from '../../src/core/invites.js'
import { type ALONE, built, LISTENING, ON_LAN, TestSession, temporaryFolder } from '../helpers/core.js'
import { contentsOf } from '../helpers/core-stock.js'
import { ask, attacker, request } from '../helpers/invites.js'

const { makeInvite, listInvites, revokeInvite, renewInvite } = await built<typeof core>('core/invites')
const { parseInvite, formatInvite } = await built<typeof links>('base/invite-link')
const { signUse, seedOf, redeemerOf } = await built<typeof proofs>('core/invite-proof')
const { InviteChannel } = await built<typeof channels>('core/invite-channel')

const NOTHING = { addresses: [], relays: [] }
const TERMS = { expires: null, uses: null, note: '' }
const HOUR = 3_600_000
const UNKNOWN = { type: 'answer', sealed: null, date: null }

let room: string
let source: { dir: string; store: null; home: string }

beforeEach(async () => {
  room = await temporaryFolder()
  source = { dir: join(room, 'source'), store: null, home: join(room, 'owner') }
  await mkdir(join(source.dir, 'deep'), { recursive: true })
  await writeFile(join(source.dir, 'a.txt'), 'one')
  await writeFile(join(source.dir, 'deep/b.txt'), 'two')
})

async function share(network = LISTENING) {
  const owner = await TestSession.share(source.dir, { home: source.home, network })
  await owner.event('import.done')
  return owner
}

function make(terms: Partial<core.Terms & { note: string }> = {}) {
  return makeInvite(source, { ...TERMS, ...terms }, NOTHING)
}

/** Somebody with a computer of their own. */
function clone(link: string, name: string, options: { network?: typeof ALONE; timeout?: number; dir?: string } = {}) {
  const { dir = name, ...rest } = options
  return TestSession.invited(link, join(room, dir), { home: join(room, `${name}-home`), ...rest })
}

/** What was refused. */
async function refusal(trying: Promise<unknown>): Promise<{ code: string; exitCode: number; message: string }> {
  return trying.then(
    () => Promise.reject(new Error('it was let in')),
    (error) => error
  )
}

describe('an invite', () => {
  it('brings the share, and is told of at the sharer', async () => {
    const owner = await share()
    const { link, id } = await make({ uses: 2, note: 'Meghan, WSU', expires: Date.now() + HOUR })
    expect(link).toMatch(/^dat:\/\/invite-[a-z0-9]{84}@127\.0\.0\.1:\d+$/)
    const { key } = parseLink(owner.link)
    const { secret, topic } = parseInvite(link)
    expect(Buffer.concat([secret, topic]).includes(key)).toBe(false)

    const copy = await clone(link, 'copy')
    expect(await copy.done()).toMatchObject({ files: 2, failures: [] })
    await copy.close()
    expect(await contentsOf(join(room, 'copy'))).toEqual(await contentsOf(source.dir))
    await owner.event('note', ({ message }) => message.includes(id) && /Meghan, WSU was used \(1 of 2\)/.test(message))
    const [listed] = await listInvites(source)
    expect(listed).toMatchObject({ id, note: 'Meghan, WSU', status: 'open', uses: 2 })
    expect(listed?.used).toHaveLength(1)
    expect(listed?.used[0]?.from).toMatch(/^127\.0\.0\.1:\d+$/)

    await writeFile(join(source.dir, 'c.txt'), 'three')
    await owner.close()
    const again = await share()
    const pull = await TestSession.pull(join(room, 'copy'), again.link)
    expect(await pull.done()).toMatchObject({ files: 3 })
  })

  it('made while nothing is shared is taken from the next share on', async () => {
    const before = await share()
    await before.close()
    const { link } = await make()
    const owner = await share()
    const { addresses } = parseLink(owner.link)
    const copy = await clone(formatInvite({ ...parseInvite(link), addresses }), 'copy')
    expect(await copy.done()).toMatchObject({ files: 2 })
  })

  it('is found in the local network', async () => {
    await share(ON_LAN)
    const { link } = await make()
    expect(parseInvite(link).addresses).toEqual([])
    const copy = await clone(link, 'copy', { network: ON_LAN })
    expect(await copy.done()).toMatchObject({ files: 2 })
  })

  it('finds out the name of the folder', async () => {
    await share()
    const { link } = await make({ uses: 1 })
    const parent = join(room, 'elsewhere')
    await mkdir(parent)
    const copy = await TestSession.invited(link, null, { home: join(room, 'home'), parent })
    expect(await copy.done()).toMatchObject({ files: 2, dir: join(parent, 'source') })
  })

  it('lets in as many as it was made for, and the same one again and again', async () => {
    await share()
    const { link, id } = await make({ uses: 1 })
    await (await clone(link, 'one')).done()
    await (await clone(link, 'one', { dir: 'one-more' })).done()
    const error = await refusal(clone(link, 'two'))
    expect(error).toMatchObject({ code: 'DENIED', exitCode: 12 })
    expect(error.message).toMatch(/used up/)
    expect((await listInvites(source))[0]).toMatchObject({ id, status: 'used' })

    await renewInvite(source, id, { uses: 1 })
    expect(await (await clone(link, 'two')).done()).toMatchObject({ files: 2 })
    expect((await refusal(clone(link, 'three'))).message).toMatch(/used up/)
  })

  it('expires by the clock of the sharer, says when, and can be renewed', async () => {
    await share()
    const expires = Date.parse('2026-01-02T03:04:00Z')
    const { link, id } = await make({ expires })
    const error = await refusal(clone(link, 'copy'))
    expect(error).toMatchObject({ code: 'DENIED', exitCode: 12 })
    expect(error.message).toBe('this invite expired on 2026-01-02 03:04 UTC')
    await renewInvite(source, id, { expires: Date.now() + HOUR })
    expect(await (await clone(link, 'copy')).done()).toMatchObject({ files: 2 })
  })

  it('that was revoked lets nobody in, and is not renewed', async () => {
    await share()
    const { link, id } = await make()
    await revokeInvite(source, id.slice(0, 4))
    const error = await refusal(clone(link, 'copy'))
    expect(error).toMatchObject({ code: 'DENIED', exitCode: 12, message: 'this invite was revoked by the owner' })
    await expect(renewInvite(source, id, { expires: null })).rejects.toMatchObject({ code: 'USAGE' })
    expect((await listInvites(source))[0]).toMatchObject({ status: 'revoked', used: [] })
  })

  it('of a clone is taken where the clone is served, with the owner away', async () => {
    const owner = await share()
    const dir = join(room, 'server')
    const first = await TestSession.clone(owner.link, dir)
    await first.done()
    await first.close()
    // A folder that is a clone is served like this, and by `dat sync`.
    const server = await TestSession.share(dir)
    await server.event('link')
    const { link } = await makeInvite({ dir, store: null, home: join(room, 'server-home') }, TERMS, NOTHING)
    const unknown = await make()
    await owner.close()
    expect(await (await clone(link, 'copy')).done()).toMatchObject({ files: 2 })
    // One that was made at the owner is not known there.
    const { addresses } = parseInvite(link)
    const elsewhere = formatInvite({ ...parseInvite(unknown.link), addresses })
    expect(await refusal(clone(elsewhere, 'other', { timeout: 1 }))).toMatchObject({ code: 'NO_PEER' })
  })

  it('of a single file brings it', async () => {
    const file = join(source.dir, 'a.txt')
    const owner = await TestSession.share(file, { home: source.home })
    await owner.event('import.done')
    const { link } = await makeInvite({ ...source, dir: file }, TERMS, NOTHING)
    expect(await (await clone(link, 'copy')).done()).toMatchObject({ files: 1 })
  })

  it('takes less than a second more than a link', async () => {
    const owner = await share()
    const { link } = await make()
    const home = join(room, 'guest')
    /** From the start to the first file, in ms: the best of three, since the machine does other things too. */
    const best = async (name: string, start: (dir: string) => Promise<TestSession>): Promise<number> => {
      let least = Number.POSITIVE_INFINITY
      for (let i = 0; i < 3; i++) {
        const began = performance.now()
        const copy = await start(join(room, `${name}${i}`))
        await copy.event('file.done')
        least = Math.min(least, performance.now() - began)
        await copy.close()
      }
      return least
    }
    const plain = await best('plain', (dir) => TestSession.clone(owner.link, dir))
    const invited = await best('invited', (dir) => TestSession.invited(link, dir, { home }))
    expect(invited - plain).toBeLessThan(1000)
  })

  it('goes on in a folder that it made, whatever became of it', async () => {
    const owner = await share()
    const { link, id } = await make({ uses: 1 })
    const first = await clone(link, 'copy')
    await first.done()
    await first.close()
    await revokeInvite(source, id)
    const again = await clone(link, 'copy')
    expect(await again.done()).toMatchObject({ files: 2 })
    await again.close()
    await owner.close()
  })

  it('waits for the owner, and says who is not online', async () => {
    const owner = await share()
    const { link } = await make()
    await owner.close()
    const error = await refusal(clone(link, 'copy', { timeout: 1 }))
    expect(error).toMatchObject({ code: 'NO_PEER', exitCode: 11 })
    expect(error.message).toMatch(/^the owner is not online/)
  })

  it('that cannot be counted lets nobody in', async () => {
    const owner = await share()
    const { link } = await make({ uses: 1 })
    await writeFile(join(source.dir, '.dat/invites.jsonl'), Buffer.alloc(9 * 1024 * 1024, 0x20))
    await refusal(clone(link, 'copy', { timeout: 1 }))
    await owner.event('note', ({ message }) => /invite cannot be looked at/.test(message))
  })
})

describe('against attacks an invite', () => {
  it('is worth nothing without its secret, nor to who sees the request of another', async () => {
    await share()
    const { link } = await make({ uses: 1 })
    const invite = parseInvite(link)
    const other = { ...invite, secret: Buffer.alloc(16, 9) }
    const stranger = await attacker(link)
    expect(await ask(stranger.stream, request(stranger.stream, other))).toEqual(UNKNOWN)

    // What somebody with the invite sent to a peer that is none, which sends it on.
    const [victim, thief] = [await attacker(link), await attacker(link)]
    const sent = request(victim.stream, invite)
    expect(await ask(thief.stream, sent)).toBeNull()
    // The request of another, with the thief named in it.
    const forged = request((await attacker(link)).stream, invite, { signedFor: victim.stream })
    expect(await ask((await attacker(link)).stream, forged)).toBeNull()
    // Altered under way, in each part.
    for (const at of [40, 80, sent.length - 1]) {
      const guest = await attacker(link)
      const altered = request(guest.stream, invite)
      altered[at] = (altered[at] as number) ^ 1
      expect(await ask(guest.stream, altered)).toBeNull()
    }
    expect((await listInvites(source))[0]?.used).toEqual([])
    // All that was wrong: one more is none for this address.
    expect(await (await clone(link, 'copy')).done()).toMatchObject({ files: 2 })
  })

  it('cannot be guessed at speed', async () => {
    await share()
    const { link } = await make()
    const invite = parseInvite(link)
    const answers: unknown[] = []
    for (let i = 0; i < 12; i++) {
      const { stream, network } = await attacker(link)
      answers.push(await ask(stream, request(stream, { ...invite, secret: Buffer.alloc(16, i) })))
      await network.close()
    }
    expect(answers).toEqual([...Array(10).fill(UNKNOWN), null, null])
  })

  it('for one lets in one of four that come at once', async () => {
    await share()
    const { link } = await make({ uses: 1 })
    const streams = await Promise.all([1, 2, 3, 4].map(async () => (await attacker(link)).stream))
    const answers = await Promise.all(
      streams.map((stream, user) => ask(stream, request(stream, parseInvite(link), { user })))
    )
    for (const answer of answers) expect(answer).toEqual({ ...UNKNOWN, sealed: expect.any(Buffer) })
    expect((await listInvites(source))[0]?.used).toHaveLength(1)
    // What a refusal says fits into a byte; an acceptance has the key in it.
    const lengths = answers
      .map((answer) => (answer?.type === 'answer' && answer.sealed?.length) || 0)
      .sort((a, b) => a - b)
    expect(lengths[3]).toBe((lengths[0] ?? 0) + 33)
    expect(lengths.slice(0, 3)).toEqual(Array(3).fill(lengths[0]))
  })

  it('is asked for once in a connection', async () => {
    await share()
    const { link } = await make()
    const { stream } = await attacker(link)
    const wrong = request(stream, { ...parseInvite(link), secret: Buffer.alloc(16) })
    const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()))
    const channel = InviteChannel.of(stream)
    channel.request(wrong)
    channel.request(wrong)
    await closed
  })

  it('leads to no other share than its own', async () => {
    // Whoever was invited knows all that the invite says, and may pretend to be the sharer.
    const owner = await share()
    const { link } = await make()
    const invite = parseInvite(link)
    const { key, addresses } = parseLink(owner.link)
    for (const handed of [Buffer.alloc(32, 5), key]) {
      const seed = seedOf(invite.secret)
      const stream = (await attacker(link)).stream
      const use = signUse(stream, redeemerOf(Buffer.alloc(32), invite.secret)) as Buffer
      const candidate = new pairing.CandidateRequest({ seed, discoveryKey: invite.topic }, use)
      const member = pairing.MemberRequest.from(candidate.encode())
      member.open(pairing.createInvite(key, { seed }).publicKey)
      member.confirm({ key: handed })
      expect(candidate.handleResponse(member.response)?.key ?? null).toEqual(handed.equals(key) ? key : null)
    }
    expect(addresses).toEqual(invite.addresses)
  })

  it('keeps its secret out of what the sharer stores', async () => {
    await share()
    const { link } = await make()
    const stored = await readFile(join(source.dir, '.dat/invites.jsonl'), 'utf8')
    const { secret } = parseInvite(link)
    expect(stored).not.toContain(secret.toString('hex'))
    expect(stored).not.toContain(seedOf(secret).toString('hex'))
    expect(stored).not.toContain(link.slice(13, 40))
  })
})
