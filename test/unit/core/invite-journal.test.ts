import { appendFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Invite, InviteJournal, refusalOf } from '../../../src/core/invite-journal.js'
import { temporaryFolder } from '../../helpers/core.js'

const [ID, KEY, ONE, TWO] = ['1', '2', '3', '4'].map((digit) => digit.repeat(64)) as [string, string, string, string]
const INVITE: Invite = {
  id: ID,
  publicKey: KEY,
  note: '',
  made: 0,
  expires: 100,
  uses: 1,
  revoked: null,
  used: [{ redeemer: ONE, time: 5, from: '10.0.0.1:4000' }]
}

describe('whether an invite lets somebody in', () => {
  it.each([
    ['who came by it before, also when it has expired', {}, ONE, 1000, null],
    ['another, when it is used up', {}, TWO, 0, 'used'],
    ['another, when there is room', { uses: 2 }, TWO, 99, null],
    ['another, for ever', { uses: null, expires: null }, TWO, 1e15, null],
    ['another, when it has expired', { uses: 2 }, TWO, 100, 'expired'],
    ['nobody, when it was revoked', { revoked: 7 }, ONE, 0, 'revoked']
  ] as const)('%s', (_name, change, redeemer, now, refusal) => {
    expect(refusalOf({ ...INVITE, ...change }, redeemer, now)).toBe(refusal)
  })
})

describe('the journal of invites', () => {
  it('is read by one while another writes it, and outlives a line that was cut off', async () => {
    const store = await temporaryFolder()
    const [sharer, other] = [new InviteJournal(store), new InviteJournal(store)]
    expect([...(await sharer.read())]).toEqual([])
    await other.add({ op: 'make', id: ID, publicKey: KEY, note: 'n', expires: null, uses: 1 })
    expect((await sharer.read()).get(ID)).toMatchObject({ note: 'n', used: [], revoked: null })
    await appendFile(join(store, 'invites.jsonl'), '{"op":"revoke","id":"1111')
    for (const redeemer of [ONE, ONE, TWO]) await sharer.add({ op: 'use', id: ID, redeemer, from: 'x' })
    expect((await other.read()).get(ID)?.used.map(({ redeemer }) => redeemer)).toEqual([ONE, TWO])
    await other.add({ op: 'revoke', id: ID })
    expect((await sharer.read()).get(ID)?.revoked).toBeGreaterThan(0)
    expect((await stat(join(store, 'invites.jsonl'))).mode & 0o777).toBe(0o600)
  })
})
