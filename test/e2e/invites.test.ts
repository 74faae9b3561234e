import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Dat, Room } from '../helpers/dat.js'
import { describeTree, PLAIN_TREE, writeTree } from '../helpers/trees.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
  await writeTree(room.path('a'), PLAIN_TREE)
})
afterEach(() => room.close())

/** Runs dat as on a computer with a home of its own. */
const on = (computer: string, args: string[], text = false): Dat =>
  room.dat(args, { env: { DAT_HOME: room.path(`home-${computer}`) }, text })

/** The row that a command prints. */
async function row(computer: string, ...args: string[]) {
  return await (await on(computer, args).exits(0)).waitFor('invite')
}

describe('dat invite', () => {
  it('makes a link for one, which another finds used up; lists, renews and revokes it', async () => {
    const running = on('a', ['share', 'a'])
    const { key } = await running.waitFor('link')
    await running.waitFor('import.done')
    const made = await row('a', 'invite', 'a', '--expires', '24h', '--uses', '1', '--note', 'Meghan, WSU')
    expect(made).toMatchObject({ uses: 1, note: 'Meghan, WSU', status: 'open', used: [] })
    expect(Date.parse(String(made.expires)) - Date.parse(String(made.made))).toBeGreaterThan(86_300_000)
    expect(JSON.stringify(made)).not.toContain(key)

    await on('b', ['clone', String(made.link), 'b']).exits(0)
    expect(await describeTree(room.path('b'))).toEqual(await describeTree(room.path('a')))
    const late = await on('c', ['clone', String(made.link), 'c']).exits(12)
    expect(late.all('error')).toMatchObject([{ code: 'DENIED', exitCode: 12 }])
    expect(late.all('error')[0]?.message).toMatch(/used up/)

    const listed = await row('a', 'invite', 'a', '--list')
    expect(listed).toMatchObject({ id: made.id, status: 'used', used: [{ from: expect.any(String) }] })
    expect(await row('a', 'invite', 'a', '--renew', String(made.id), '--uses', '1')).toMatchObject({ status: 'open' })
    expect(await row('a', 'invite', 'a', '--revoke', String(made.id))).toMatchObject({ status: 'revoked' })
    const revoked = await on('c', ['clone', String(made.link), 'c']).exits(12)
    expect(revoked.all('error')[0]?.message).toMatch(/revoked by the owner/)
    const secret = /invite-([a-z0-9]+)/.exec(String(made.link))?.[1] as string
    for (const { stdout, stderr } of [running, late, revoked]) expect(stdout + stderr).not.toContain(secret)
    expect(await readFile(room.path('a', '.dat', 'invites.jsonl'), 'utf8')).not.toContain(secret)
  })

  it('prints the link alone, for a pipe; and refuses what makes no sense', async () => {
    const running = on('a', ['share', 'a'])
    await running.waitFor('link')
    const text = await on('a', ['invite', 'a'], true).exits(0)
    expect(text.stdout).toMatch(/^dat:\/\/invite-\S+\n$/)
    expect(text.stderr).toMatch(/dat invite --revoke [a-z0-9]{8}/)
    for (const wrong of [
      ['--list', '--revoke', 'x'],
      ['--revoke', 'nobody'],
      ['--renew', 'x'],
      ['--uses', '0'],
      ['--expires', 'soon'],
      ['--list', '--note', 'x'],
      ['--list', '--qr']
    ]) {
      expect((await on('a', ['invite', 'a', ...wrong]).exits(2)).all('error')).toMatchObject([{ code: 'USAGE' }])
    }
    const mistyped = on('b', ['clone', text.stdout.trim().replace(/invite-./, 'invite-'), 'b'])
    expect((await mistyped.exits(10)).all('error')).toMatchObject([{ code: 'NOT_A_LINK' }])
  })
})
