import { readdir, readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import z32 from 'z32'
import { type Dat, Room } from '../helpers/dat.js'
import { startRelay } from '../helpers/relay-server.js'
import { describeTree, PLAIN_TREE, writeTree } from '../helpers/trees.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
  await writeTree(room.path('a'), PLAIN_TREE)
})
afterEach(async () => {
  await on('a', ['stop', '--all']).exit
  await room.close()
})

/** Everything that was run, for what it printed. */
let all: Dat[] = []
beforeEach(() => {
  all = []
})

/** Runs dat as on a computer with a home of its own. */
function on(computer: string, args: string[], text = false): Dat {
  const dat = room.dat(args, { env: { DAT_HOME: room.path(`home-${computer}`) }, text })
  all.push(dat)
  return dat
}

const LISTEN = ['--listen', '127.0.0.1:0']

describe('dat share --gated', () => {
  it('shows its link to nobody, and ends what is over with exit code 12', async () => {
    const open = on('a', ['share', 'a', ...LISTEN])
    const { link, key } = await open.waitFor('link')
    await open.waitFor('import.done')
    await open.stop()
    all = []

    const running = on('a', ['share', 'a', '--strict', ...LISTEN])
    expect(await running.waitFor('link')).toMatchObject({ link: null, key: null, gate: 'strict' })
    await running.waitFor('import.done')
    const made = await (await on('a', ['invite', 'a']).exits(0)).waitFor('invite')
    const port = /@127\.0\.0\.1:(\d+)/.exec(String(made.link))?.[1]
    await on('b', ['clone', String(made.link), 'b']).exits(0)
    expect(await describeTree(room.path('b'))).toEqual(await describeTree(room.path('a')))
    const sync = on('b', ['sync', 'b', ...LISTEN])
    expect(await sync.waitFor('link')).toMatchObject({ link: null, gate: 'closed' })
    await sync.waitFor('done')
    const looks = [
      on('a', ['status', 'a'], true),
      on('b', ['status', 'b']),
      on('a', ['keys', 'a'], true),
      on('b', ['keys', 'b'], true),
      on('a', ['ps'], true),
      on('a', ['log', 'a'], true),
      on('a', ['invite', 'a', '--list'], true)
    ]
    for (const look of looks) await look.exits(0)
    expect(looks[0]?.stdout).toMatch(/^link {6}by invitation only; to let somebody in: dat invite \S+\/a\n/)
    expect(looks[1]?.all('status')).toMatchObject([{ link: null, role: 'clone' }])
    expect(looks[3]?.stdout).toMatch(/^link {6}by invitation only; its owner makes invites\n/)
    await on('b', ['invite', 'b']).exits(12)

    // Who has the link and nothing else.
    const stranger = room.dat(['clone', String(link).replace(/@.*/, `@127.0.0.1:${port}`), 'c', '--timeout', '1'])
    const refused = (await stranger.exits(12)).all('error')
    expect(refused).toMatchObject([{ code: 'DENIED', message: 'this share is by invitation only' }])

    await on('a', ['invite', 'a', '--revoke', String(made.id)]).exits(0)
    const over = (await sync.exits(12)).all('error')
    expect(over).toMatchObject([{ code: 'DENIED', message: 'this invite was revoked by the owner' }])
    await running.stop()

    const hex = Buffer.from(z32.decode(String(key))).toString('hex')
    for (const { stdout, stderr } of all) {
      for (const spelled of [String(key), hex]) expect(stdout + stderr).not.toContain(spelled)
    }
  })

  it('judges a date by its own clock, whatever that of a clone says', async () => {
    const running = on('a', ['share', 'a', '--strict', ...LISTEN])
    await running.waitFor('import.done')
    const made = await (await on('a', ['invite', 'a']).exits(0)).waitFor('invite')
    await on('b', ['clone', String(made.link), 'b']).exits(0)
    const sync = on('b', ['sync', 'b'])
    await sync.waitFor('done')
    await on('a', ['invite', 'a', '--renew', String(made.id), '--expires', '1s']).exits(0)
    const expired = { code: 'DENIED', message: expect.stringMatching(/^this invite expired on \d{4}-\d\d-\d\d /) }
    expect((await sync.exits(12)).all('error')).toMatchObject([expired])

    const shim = room.path('clock.mjs')
    await writeFile(shim, 'const now = Date.now; Date.now = () => now() - 400 * 24 * 3600 * 1000')
    const env = { DAT_HOME: room.path('home-b'), NODE_OPTIONS: `--import ${shim}` }
    const late = await room.dat(['pull', 'b'], { env }).exits(12)
    expect(late.all('error')).toMatchObject([expired])
  })

  it('goes on in the background and after it, and says how to let somebody in', async () => {
    const background = await on('a', ['share', 'a', '--gated', '--background', ...LISTEN], true).exits(0)
    expect(background.stdout).toBe('')
    expect(background.stderr).toMatch(/^Shared by invitation only; to let somebody in: dat invite \S+\/a\n/)
    // What runs is not what was asked for.
    const again = await on('a', ['share', 'a', '--no-gated', '--background']).exits(14)
    expect(again.all('error')).toMatchObject([{ code: 'INDEX_LOCKED' }])
    const records = room.path('home-a', 'running')
    const [name = ''] = await readdir(records)
    expect(JSON.parse(await readFile(`${records}/${name}`, 'utf8'))).toMatchObject({
      options: ['--listen=127.0.0.1:0']
    })
    await on('a', ['stop', 'a']).exits(0)
    const plain = on('a', ['share', 'a', ...LISTEN], true)
    await plain.prints('Shared by invitation only.')
    await plain.prints(`    dat invite ${room.path('a')}`)
    expect(plain.stdout).toBe('')
    await plain.stop()
    const opened = on('a', ['share', 'a', '--no-gated', ...LISTEN], true)
    await opened.prints('Keep this running')
    expect(opened.stdout).toMatch(/^dat:\/\/[a-z0-9]{52}@/)
    expect(opened.stderr).toMatch(/everybody with the link is served from now on/)
    await opened.stop()
    await on('a', ['share', 'a', '--no-gated', '--strict']).exits(2)
  })

  it('lets in by a relay too, and ends there what is over', async () => {
    const { url } = await startRelay()
    const ways = ['--no-lan', '--no-dht', '--relay', url]
    const share = on('a', ['share', 'a', '--strict', ...ways])
    await share.waitFor('import.done')
    const made = await (await on('a', ['invite', 'a']).exits(0)).waitFor('invite')
    const clone = await on('b', ['clone', String(made.link), 'b', '--no-lan', '--no-dht']).exits(0)
    expect(clone.all('peer.connected')[0]).toMatchObject({ route: 'relay' })
    expect(await describeTree(room.path('b'))).toEqual(await describeTree(room.path('a')))
    await on('b', ['pull', 'b', '--no-lan', '--no-dht']).exits(0)
    await on('a', ['invite', 'a', '--revoke', String(made.id)]).exits(0)
    const late = await on('b', ['pull', 'b', '--no-lan', '--no-dht']).exits(12)
    expect(late.all('error')[0]).toMatchObject({ code: 'DENIED', message: 'this invite was revoked by the owner' })
  })
})
