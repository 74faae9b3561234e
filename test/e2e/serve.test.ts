import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../helpers/certificates.js'
import { type JsonEvent, Room } from '../helpers/dat.js'
import { ask } from '../helpers/gateway.js'
import { PLAIN_TREE, writeTree } from '../helpers/trees.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
  await writeTree(room.path('source'), PLAIN_TREE)
})
afterEach(() => room.close())

async function index(): Promise<void> {
  const { share } = await room.share('source', ['--no-watch'])
  await share.waitFor('import.done')
  await share.stop()
}

/** The URL of something below what a `gateway` event names. */
function below({ url }: JsonEvent, path: string): string {
  const { origin, pathname, search } = new URL(String(url))
  return `${origin}${pathname}${path}${search}`
}

describe('dat serve', () => {
  it('prints a signed URL, serves what it names, and ends with Ctrl-C', async () => {
    await index()
    const serve = room.dat(['serve', 'source', '--listen', '127.0.0.1:0', '--path', 'data', '--expires', '24h'])
    const event = await serve.waitFor('gateway')
    expect(event).toMatchObject({ host: '127.0.0.1', tls: false, port: Number(new URL(String(event.url)).port) })
    const left = Date.parse(String(event.expires)) - Date.now()
    expect(left).toBeGreaterThan(23.9 * 3_600_000)
    expect(left).toBeLessThan(24.1 * 3_600_000)
    expect((await ask(String(event.url))).text).toContain('2026-03-01.csv')
    expect((await ask(below(event, '2026-03-01.csv'))).text).toBe('time,value\n1,2\n')
    expect((await ask(new URL('/readme.md', String(event.url)).href)).status).toBe(403)
    await serve.stop()
    expect(await serve.exit).toBe(130)
    // Nothing that is looked at is changed.
    await room.dat(['verify', 'source']).exits(0)
  })

  it('prints the URL alone on stdout, and what it is on stderr', async () => {
    await index()
    const serve = room.dat(['serve', 'source', '--listen', '127.0.0.1:0'], { text: true })
    await serve.prints('Ctrl-C stops it')
    await serve.stop()
    expect(serve.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?expires=\d+&signature=[\w-]{43}\n$/)
    expect(serve.stderr).not.toContain('signature=')
  })

  it('serves a folder that is being shared, and follows what is added there', async () => {
    const { share } = await room.share('source')
    await share.waitFor('import.done')
    const serve = room.dat(['serve', 'source', '--listen', '127.0.0.1:0'])
    const event = await serve.waitFor('gateway')
    expect((await ask(below(event, 'readme.md'))).text).toBe('# Measurements\n')
    await writeFile(room.path('source', 'new.txt'), 'new')
    await share.waitFor('import.done', ({ added }) => added === 1)
    const until = Date.now() + 20_000
    let answer = await ask(below(event, 'new.txt'))
    while (answer.status === 404 && Date.now() < until) answer = await ask(below(event, 'new.txt'))
    expect(answer.text).toBe('new')
  })

  it('serves a single file that was shared', async () => {
    const { share } = await room.share('source/readme.md', ['--no-watch'])
    await share.waitFor('import.done')
    await share.stop()
    const event = await room.dat(['serve', 'source/readme.md', '--listen', '127.0.0.1:0']).waitFor('gateway')
    expect((await ask(below(event, 'readme.md'))).text).toBe('# Measurements\n')
    expect((await ask(below(event, 'data/2026-03-01.csv'))).status).toBe(404)
  })

  it('serves a link', async () => {
    const { link } = await room.share('source', ['--listen', '127.0.0.1:0'])
    const serve = room.dat(['serve', `${link}/data`, '--listen', '127.0.0.1:0'])
    const event = await serve.waitFor('gateway')
    const scan = await ask(below(event, 'raw/scan.bin'))
    expect(scan.body.equals(await readFile(room.path('source', 'data', 'raw', 'scan.bin')))).toBe(true)
    expect((await ask(new URL('/readme.md', String(event.url)).href)).status).toBe(403)
    // Its temporary index goes with it.
    await serve.stop()
  })

  it('takes the password from a file, and a certificate', async () => {
    await index()
    const certificate = makeCertificate(['IP:127.0.0.1'])
    await writeFile(room.path('password'), 'quiet frogs\nnot this line\n')
    const { cert, key } = certificate.files
    const tls = ['--tls-cert', cert, '--tls-key', key]
    const args = ['serve', 'source', '--listen', '127.0.0.1:0', '--password-file', 'password', ...tls]
    const event = await room.dat(args).waitFor('gateway')
    expect(event.tls).toBe(true)
    expect((await ask(String(event.url))).status).toBe(401)
    const authorization = `Basic ${Buffer.from(':quiet frogs').toString('base64')}`
    expect((await ask(String(event.url), { headers: { authorization } })).status).toBe(200)
    certificate.remove()
  })

  it.each([
    [['serve', 'source', '--listen', '0.0.0.0:0'], 'certificate'],
    [['serve', 'source', '--path', 'nowhere'], 'nowhere'],
    [['serve', 'source', '--expires', 'soon'], '--expires'],
    [['serve', 'source', '--tls-cert', 'cert.pem'], 'go together'],
    [['serve', 'source', '--public-url', 'frogs'], '--public-url'],
    [['serve', 'source', '--password-file', 'none'], '--password-file'],
    [['serve', 'nothing-here'], 'nothing-here'],
    [['share', 'source', '--http', 'x'], '--http']
  ])('says what is wrong: dat %s', async (args, text) => {
    if (text === 'nowhere') await index()
    const dat = await room.dat(args).exits(2)
    expect(String((await dat.waitFor('error')).message)).toContain(text)
  })

  it('in a folder that was never shared says so', async () => {
    await room.dat(['serve', 'source']).exits(2)
  })
})

describe('dat share --http', () => {
  it('serves beside, and prints the link of the share first', async () => {
    const share = room.dat(['share', 'source', '--http', '0'])
    const event = await share.waitFor('gateway')
    await share.waitFor('import.done')
    expect(share.events.findIndex(({ type }) => type === 'link')).toBeLessThan(share.events.indexOf(event))
    expect((await ask(below(event, 'readme.md'))).text).toBe('# Measurements\n')
    // The link is the permission to read everything for ever: no page has it.
    const key = String((await share.waitFor('link')).key)
    for (const path of ['', 'readme.md', 'nowhere']) {
      const { text, headers } = await ask(below(event, path), { headers: { accept: 'text/html' } })
      expect(text + JSON.stringify(headers)).not.toContain(key)
    }
    await share.stop()
    expect(await share.exit).toBe(130)
  })

  it('serves a clone that is kept up to date', async () => {
    const { link } = await room.share('source', ['--listen', '127.0.0.1:0'])
    await room.dat(['clone', link, 'copy']).exits(0)
    const event = await room.dat(['share', 'copy', '--http', '0']).waitFor('gateway')
    expect((await ask(below(event, 'readme.md'))).text).toBe('# Measurements\n')
  })
})
