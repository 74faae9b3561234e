import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile
} from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type * as drives from '../../src/core/drive.js'
import type * as servedModule from '../../src/core/served.js'
import type * as views from '../../src/core/tree-view.js'
import { makeCertificate } from '../helpers/certificates.js'
import { defer } from '../helpers/cleanup.js'
import { built, shareAndClone, TestSession, temporaryFolder } from '../helpers/core.js'
import { ask, linksOf, openTestGateway, serve, type TestGateway } from '../helpers/gateway.js'
import { describeTree, type Sample, writeTree } from '../helpers/trees.js'

const run = promisify(execFile)
const LARGE = randomBytes(3 * 1024 * 1024 + 17)
const TREE: Record<string, Sample> = {
  'readme.md': '# Measurements\n',
  'figures/plot.png': randomBytes(700),
  'figures/deep/note.txt': 'deep\n',
  'data/2026.csv': 'time,value\n1,2\n',
  'data/scan.bin': LARGE,
  'data/nothing.txt': '',
  'run.sh': { content: '#!/bin/sh\n', executable: true },
  empty: { folder: true }
}
/** Names that must not get anywhere. */
const NAMES = [
  'a "b".txt',
  'ü\u202etxt.exe',
  'x\r\nSet-Cookie: a=b',
  "it's 100%.txt",
  '~1.txt',
  'a;b=c',
  '<img src=x onerror=alert(1)>',
  '"><script>alert(1)<',
  "'`onmouseover=x",
  '&lt;b&gt;',
  '\x1b[2J'
]
const SCRIPT = '<script>alert(1)</script>'
const ODD: Record<string, Sample> = {
  ...Object.fromEntries(NAMES.map((name) => [`odd/${name}`, name])),
  'active/a.html': SCRIPT,
  'active/a.svg': `<svg>${SCRIPT}</svg>`,
  'active/a.xhtml': SCRIPT,
  'active/a.js': '1',
  'active/a': SCRIPT,
  'look/a.csv': 'name,"note ""x"""\n"<b>bold</b>, ha",2\n',
  'look/a.txt': 'one\n<script>alert(1)</script>\n\x1b[2J',
  'look/a.png': 'not really',
  'look/a.bin': Buffer.from([0, 1, 2])
}
const HTML = { headers: { accept: 'text/html' } }

let room: string
let source: string
beforeEach(async () => {
  room = await temporaryFolder()
  source = join(room, 'source')
})

/** Shares a tree, lets the share end, and serves the folder. */
async function served(tree: Record<string, Sample> = TREE, options: Parameters<typeof openTestGateway>[1] = {}) {
  await writeTree(source, tree)
  await index()
  return openTestGateway(source, options)
}

/** What nothing is changed in is shared but once. */
let common: { source: string; gateway: TestGateway; close(): Promise<void> }
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dat-gateway-'))
  source = join(folder, 'source')
  await writeTree(source, { ...TREE, ...ODD })
  const share = await TestSession.share(source)
  await share.event('import.done')
  await share.close()
  const gateway = await openTestGateway(source, { keep: true })
  const close = async () => {
    await gateway.close()
    await rm(folder, { recursive: true, force: true })
  }
  common = { source, gateway, close }
})
afterAll(() => common.close())

async function index(): Promise<void> {
  const share = await TestSession.share(source)
  await share.event('import.done')
  await share.close()
}

describe('a signed URL', () => {
  it('shows the share; without it, or with another, there is nothing to be seen', async () => {
    const { gateway } = common
    const page = await ask(gateway.url, HTML)
    expect(page.status).toBe(200)
    expect(page.text).toContain('readme.md')
    const url = new URL(gateway.url)
    const expires = String(url.searchParams.get('expires'))
    const signature = String(url.searchParams.get('signature'))
    const last = signature.endsWith('A') ? 'B' : 'A'
    const wrong = [
      `${url.origin}/`,
      `${url.origin}/readme.md`,
      `${url.origin}/?expires=${expires}`,
      `${url.origin}/?expires=${Number(expires) + 1}&signature=${signature}`,
      `${url.origin}/?expires=0${expires}&signature=${signature}`,
      `${url.origin}/?expires=${expires}&signature=${signature.slice(0, -1)}${last}`,
      `${url.origin}/?expires=${expires}&signature=${signature}A`,
      `${url.origin}/?expires=${expires}&signature=`,
      `${url.origin}/~${expires}.${signature.slice(0, -1)}${last}/readme.md`,
      `${url.origin}/x/~${expires}.${signature}/readme.md`
    ]
    for (const one of wrong) {
      const answer = await ask(one, HTML)
      expect([one, answer.status]).toEqual([one, 403])
      expect(answer.text).not.toMatch(/readme|figures|Measurements/)
    }
  })

  it('is good in the query of any path below', async () => {
    const { gateway } = common
    const { origin, search } = new URL(gateway.url)
    expect((await ask(`${origin}/data/2026.csv${search}`)).text).toBe('time,value\n1,2\n')
  })

  it('is over when its time is', async () => {
    const gateway = await openTestGateway(common.source, { seconds: -1 })
    const answer = await ask(gateway.url, HTML)
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('expired')
    expect(answer.text).not.toContain('readme')
    expect((await gateway.get('readme.md')).status).toBe(403)
  })

  it('for a folder opens what is below it, and nothing else', async () => {
    const gateway = await openTestGateway(common.source, { path: 'figures' })
    expect((await ask(gateway.url, HTML)).text).toContain('plot.png')
    expect((await gateway.get('figures/deep/note.txt')).text).toBe('deep\n')
    for (const path of [
      '',
      'readme.md',
      'figures2',
      'data/2026.csv',
      'figures/..%2freadme.md',
      'figures/../readme.md'
    ]) {
      expect([path, (await gateway.get(path)).status]).not.toEqual([path, 200])
      expect((await gateway.get(path)).text).not.toContain('Measurements')
    }
    // Nothing on the page leads out of it either.
    const links = linksOf((await ask(gateway.url, HTML)).text).filter((link) => link.startsWith('/'))
    for (const link of links) expect(link).toMatch(/^\/~[^/]+\/figures\//)
  })

  it('can be made for one folder by whoever has the whole', async () => {
    const { gateway } = common
    const page = await gateway.get('figures/', HTML)
    const narrow = /http:\/\/[^<\s]+\/figures\/\?expires=\d+&amp;signature=[\w-]+/.exec(page.text)?.[0]
    const url = String(narrow).replaceAll('&amp;', '&')
    expect((await ask(url)).status).toBe(200)
    expect((await ask(url.replace('/figures/', '/'))).status).toBe(403)
  })

  it('is still good when the gateway is started again, until all are revoked', async () => {
    const home = join(room, 'home')
    const first = await openTestGateway(common.source, { home })
    await first.close()
    const port = Number(new URL(first.url).port)
    const again = await openTestGateway(common.source, { home, listen: { host: '127.0.0.1', port } })
    expect((await ask(first.url)).status).toBe(200)
    await again.close()
    await openTestGateway(common.source, { home, newSecret: true, listen: { host: '127.0.0.1', port } })
    expect((await ask(first.url)).status).toBe(403)
    const [name] = await readdir(join(home, 'gateway'))
    expect((await stat(join(home, 'gateway', String(name)))).mode & 0o777).toBe(0o600)
    expect((await stat(join(home, 'gateway'))).mode & 0o777).toBe(0o700)
  })

  it('is not enough under another name: a page of somebody else could use one', async () => {
    const { gateway } = common
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', 'a@127.0.0.1']) {
      expect([host, (await ask(gateway.url, { headers: { host } })).status]).not.toEqual([host, 200])
    }
    for (const host of ['localhost:9', '127.0.0.1', '[::1]:80', '192.168.1.20:8080']) {
      expect([host, (await ask(gateway.url, { headers: { host } })).status]).toEqual([host, 200])
    }
  })
})

describe('a password', () => {
  it('is asked for, once, and kept in a cookie that no script can read', async () => {
    const gateway = await openTestGateway(common.source, { password: 'quiet frogs' })
    const form = await ask(gateway.url, HTML)
    expect(form.status).toBe(401)
    expect(form.headers['www-authenticate']).toBeUndefined()
    expect(form.text).toContain('type="password"')
    expect(form.text).not.toContain('readme')
    const post = (password: string) =>
      ask(gateway.url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' },
        body: new URLSearchParams({ password }).toString()
      })
    expect((await post('wrong')).status).toBe(401)
    const right = await post('quiet frogs')
    expect(right.status).toBe(303)
    const cookie = String(right.headers['set-cookie']?.[0])
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict/)
    const value = cookie.split(';')[0] ?? ''
    expect((await gateway.get('readme.md', { headers: { cookie: value } })).status).toBe(200)
    const forged = value.replace(/=\d+/, (until) => `=${Number(until.slice(1)) + 1}`)
    expect((await gateway.get('readme.md', { headers: { cookie: forged } })).status).toBe(401)
    // The password alone opens nothing.
    expect((await ask(`${new URL(gateway.url).origin}/`, { headers: { cookie: value } })).status).toBe(403)
  })

  it('can be sent by a program', async () => {
    const gateway = await openTestGateway(common.source, { password: 'quiet frogs' })
    const refused = await gateway.get('readme.md')
    expect(refused.headers['www-authenticate']).toMatch(/^Basic /)
    const authorization = `Basic ${Buffer.from('anybody:quiet frogs').toString('base64')}`
    expect((await gateway.get('readme.md', { headers: { authorization } })).text).toBe('# Measurements\n')
  })

  it('cannot be guessed by trying', async () => {
    const gateway = await openTestGateway(common.source, { password: 'quiet frogs' })
    const guess = (word: string) =>
      gateway.get('', { headers: { authorization: `Basic ${Buffer.from(`:${word}`).toString('base64')}` } })
    const statuses: number[] = []
    for (let i = 0; i < 12; i++) statuses.push((await guess(`guess ${i}`)).status)
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401))
    expect(statuses.slice(10)).toEqual([429, 429])
  })

  it('belongs to the URL: one that was given away with it is worthless without', async () => {
    const home = join(room, 'home')
    const first = await openTestGateway(common.source, { home, password: 'quiet frogs' })
    await first.close()
    const listen = { host: '127.0.0.1', port: Number(new URL(first.url).port) }
    const open = await openTestGateway(common.source, { home, listen })
    expect((await ask(first.url)).status).toBe(403)
    await open.close()
  })
})

describe('a file', () => {
  it('comes whole, with its name, its size, its date and a tag', async () => {
    const { gateway } = common
    const answer = await gateway.get('data/scan.bin')
    expect(answer.body.equals(LARGE)).toBe(true)
    expect(answer.headers).toMatchObject({
      'content-length': String(LARGE.length),
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer'
    })
    expect(answer.headers['content-security-policy']).toContain('sandbox')
    expect(answer.headers['cache-control']).toContain('private')
    const modified = Math.floor((await stat(join(common.source, 'data/scan.bin'))).mtimeMs / 1000) * 1000
    expect(Date.parse(String(answer.headers['last-modified']))).toBe(modified)
    const head = await gateway.get('data/scan.bin', { method: 'HEAD' })
    expect(head.body.length).toBe(0)
    expect(head.headers['content-length']).toBe(String(LARGE.length))
    expect(head.headers.etag).toBe(answer.headers.etag)
    const nothing = await gateway.get('data/nothing.txt')
    expect([nothing.status, nothing.headers['content-length'], nothing.body.length]).toEqual([200, '0', 0])
  })

  it.each([
    ['bytes=0-0', 206, 0, 1],
    ['bytes=100-1048600', 206, 100, 1048601],
    [`bytes=${LARGE.length - 1}-`, 206, LARGE.length - 1, LARGE.length],
    ['bytes=-17', 206, LARGE.length - 17, LARGE.length],
    ['bytes=5-99999999999', 206, 5, LARGE.length],
    ['bytes=9-5', 200, 0, LARGE.length],
    ['bytes=0-1,5-6', 200, 0, LARGE.length],
    ['lines=0-1', 200, 0, LARGE.length]
  ])('comes in part: %s', async (range, status, start, end) => {
    const { gateway } = common
    const answer = await gateway.get('data/scan.bin', { headers: { range } })
    expect(answer.status).toBe(status)
    expect(answer.body.equals(LARGE.subarray(start, end))).toBe(true)
    const described = status === 206 ? `bytes ${start}-${end - 1}/${LARGE.length}` : undefined
    expect(answer.headers['content-range']).toBe(described)
  })

  it('says where its end is', async () => {
    const { gateway } = common
    const answer = await gateway.get('data/scan.bin', { headers: { range: `bytes=${LARGE.length}-` } })
    expect([answer.status, answer.headers['content-range']]).toEqual([416, `bytes */${LARGE.length}`])
  })

  it('is not sent again to who has it, and a part only of the same content', async () => {
    const { gateway } = common
    const { headers } = await gateway.get('data/scan.bin', { method: 'HEAD' })
    const etag = String(headers.etag)
    const date = String(headers['last-modified'])
    const status = async (given: Record<string, string>) =>
      (await gateway.get('data/scan.bin', { headers: given })).status
    expect(await status({ 'if-none-match': etag })).toBe(304)
    expect(await status({ 'if-none-match': `"x", W/${etag}` })).toBe(304)
    expect(await status({ 'if-none-match': '"x"' })).toBe(200)
    expect(await status({ 'if-modified-since': date })).toBe(304)
    expect(await status({ 'if-match': '"x"' })).toBe(412)
    expect(await status({ range: 'bytes=1-2', 'if-range': etag })).toBe(206)
    expect(await status({ range: 'bytes=1-2', 'if-range': '"x"' })).toBe(200)
    expect(await status({ range: 'bytes=1-2', 'if-range': date })).toBe(206)
    expect(await status({ range: 'bytes=1-2', 'if-range': 'Thu, 01 Jan 1970 00:00:00 GMT' })).toBe(200)
  })

  it('runs nothing in a browser, whatever it is', async () => {
    const { gateway } = common
    for (const name of ['a.html', 'a.svg', 'a.xhtml', 'a.js', 'a']) {
      const { headers } = await gateway.get(`active/${name}`)
      expect(headers['content-type']).toMatch(/^(?:text\/plain|application\/octet-stream)/)
      expect(headers['content-security-policy']).toContain('sandbox')
      expect(headers['x-content-type-options']).toBe('nosniff')
    }
  })

  it('has its exact name in the header, and can put nothing else there', async () => {
    const { gateway } = common
    for (const name of NAMES) {
      const answer = await gateway.get(`odd/${encodeURIComponent(name)}`)
      expect(answer.text).toBe(name)
      expect(answer.headers['set-cookie']).toBeUndefined()
      const disposition = String(answer.headers['content-disposition'])
      expect(disposition).toMatch(/^[\x20-\x7e]+$/)
      expect(decodeURIComponent(String(/filename\*=UTF-8''(.+)$/.exec(disposition)?.[1]))).toBe(name)
    }
  })
})

describe('what is asked for', () => {
  it('never leads out of the share', async () => {
    const { gateway } = common
    await writeFile(join(room, 'secret.txt'), 'secret')
    const ways = [
      '../secret.txt',
      '..%2fsecret.txt',
      '%2e%2e/secret.txt',
      '%2e%2e%2fsecret.txt',
      '%252e%252e%252fsecret.txt',
      '..%5csecret.txt',
      '..\\secret.txt',
      'data/%00/../../secret.txt',
      'readme.md%00.png',
      '.dat/index/CORESTORE',
      '%2edat/index/CORESTORE',
      '/etc/passwd',
      '%2fetc%2fpasswd',
      'data//2026.csv',
      './readme.md',
      '%ff%fe',
      '%',
      '%zz'
    ]
    for (const way of ways) {
      const answer = await gateway.get(way)
      expect([way, answer.status]).toEqual([way, answer.status === 404 ? 404 : 400])
      expect(answer.text).not.toContain('secret')
    }
  })

  it('is looked up in the share, not on the disk: links there are not followed, and what is not shared is not there', async () => {
    await writeTree(source, { 'a.txt': 'a', out: { link: '/etc' }, 'one.txt': { link: '/etc/hostname' } })
    await index()
    const gateway = await openTestGateway(source)
    await writeFile(join(source, 'later.txt'), 'not shared')
    expect((await gateway.get('later.txt')).status).toBe(404)
    expect((await gateway.get('out/hostname')).status).toBe(404)
    const link = await gateway.get('one.txt')
    expect(link.status).toBe(404)
    expect(link.text).toContain('/etc/hostname')
    // Since it was shared, somebody put a link where a file was.
    await rm(join(source, 'a.txt'))
    await symlink('/etc/hostname', join(source, 'a.txt'))
    const swapped = await gateway.get('a.txt')
    expect(swapped.status).toBe(409)
    expect(swapped.text).not.toContain(await readFile('/etc/hostname', 'utf8'))
  })

  it('can only be read', async () => {
    const { gateway } = common
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND']) {
      expect([method, (await gateway.get('readme.md', { method })).status]).toEqual([method, 405])
    }
  })
})

describe('content that changed', () => {
  it('is never sent as what was shared', async () => {
    const gateway = await served()
    const file = join(source, 'data/scan.bin')
    const { headers } = await gateway.get('data/scan.bin', { method: 'HEAD' })
    const { mtime } = await stat(file)
    const other = Buffer.from(LARGE)
    other[2_000_000] = (other[2_000_000] ?? 0) ^ 1
    await writeFile(file, other)
    // Even if the time is set back: the ctime tells, and then the blocks are compared.
    await utimes(file, mtime, mtime)
    const whole = await gateway.get('data/scan.bin')
    expect(whole.status === 409 || whole.broken).toBe(true)
    // What did not change may still come: each block is compared with the signed tree.
    const part = await gateway.get('data/scan.bin', {
      headers: { range: 'bytes=10-99', 'if-range': String(headers.etag) }
    })
    if (part.status === 206) expect(part.body.equals(LARGE.subarray(10, 100))).toBe(true)
    const wrong = await gateway.get('data/scan.bin', { headers: { range: 'bytes=2000000-2000000' } })
    expect(wrong.status).toBe(409)
    await truncate(file, 100)
    expect((await gateway.get('data/scan.bin')).status).toBe(409)
    await rm(file)
    expect((await gateway.get('data/scan.bin')).status).toBe(409)
    expect((await gateway.get('data/scan.bin?details', HTML)).text).toContain('changed after it was shared')
  })

  it('is sent if only its attributes changed', async () => {
    const gateway = await served()
    await chmod(join(source, 'data/scan.bin'), 0o600)
    expect((await gateway.get('data/scan.bin')).body.equals(LARGE)).toBe(true)
  })

  it('is sent again once it is shared again, under another tag', async () => {
    const gateway = await served()
    const before = await gateway.get('readme.md')
    await writeFile(join(source, 'readme.md'), 'changed')
    expect((await gateway.get('readme.md')).status).toBe(409)
    await index()
    const deadline = Date.now() + 15_000
    let after = await gateway.get('readme.md')
    while (after.status !== 200 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      after = await gateway.get('readme.md')
    }
    expect(after.text).toBe('changed')
    expect(after.headers.etag).not.toBe(before.headers.etag)
  })

  it('breaks off a download that is under way, rather than go on with other bytes', async () => {
    const size = 40 * 1024 * 1024
    const gateway = await served({ 'big.bin': Buffer.alloc(size, 1) })
    const { port } = new URL(gateway.url)
    const socket = net.connect(Number(port), '127.0.0.1')
    defer(() => socket.destroy())
    const closed = new Promise((resolve) => socket.once('close', resolve))
    let bytes = 0
    let other = 0
    const begun = new Promise<void>((resolve) => {
      socket.on('data', (data: Buffer) => {
        bytes += data.length
        if (data.includes(2)) other++
        resolve()
      })
    })
    const path = new URL(`${gateway.base}big.bin`).pathname
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
    await begun
    socket.pause()
    await writeFile(join(source, 'big.bin'), Buffer.alloc(size, 2))
    socket.resume()
    await closed
    expect(bytes).toBeLessThan(size)
    expect(other).toBe(0)
  })
})

describe('a folder', () => {
  it('is listed with sizes and dates, sorted as asked for, and for programs', async () => {
    const gateway = await served()
    const list = async (query: string) => JSON.parse((await gateway.get(`?format=json${query}`)).text)
    const names = async (query: string) => (await list(query)).entries.map(({ name }: { name: string }) => name)
    expect(await names('')).toEqual(['data', 'empty', 'figures', 'readme.md', 'run.sh'])
    expect(await names('&order=desc')).toEqual(['figures', 'empty', 'data', 'run.sh', 'readme.md'])
    expect(await names('&sort=size')).toEqual(['data', 'empty', 'figures', 'run.sh', 'readme.md'])
    const { entries } = await list('')
    expect(entries[3]).toMatchObject({ kind: 'file', bytes: 15, available: true })
    expect((await ask(entries[3].url)).text).toBe('# Measurements\n')
    const page = await gateway.get('', HTML)
    expect(page.text).toContain('aria-sort="ascending"')
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(page.text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
  })

  it('is searched with all below it', async () => {
    const { gateway } = common
    const found = async (query: string) =>
      JSON.parse((await gateway.get(`?format=json&q=${query}`)).text).entries.map(({ name }: { name: string }) => name)
    expect(await found('PLOT')).toEqual(['figures/plot.png'])
    expect(await found('deep%20note')).toEqual(['figures/deep/note.txt'])
    expect(await found('figures')).toEqual(['figures', 'figures/deep', 'figures/deep/note.txt', 'figures/plot.png'])
    const none = await gateway.get('?q=%3Cscript%3Enothing', HTML)
    expect(none.text).toContain('&lt;script&gt;nothing')
    expect(none.text).not.toContain('<script>nothing')
  })

  it('shows every name as text', async () => {
    const { gateway } = common
    const { text } = await gateway.get('odd/', HTML)
    const body = text.slice(text.indexOf('<main'), text.indexOf('</main>'))
    expect(body).not.toMatch(/<img|<script|\x1b|\u202e|<[^>]*\sonmouseover=/)
    expect(body).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(body).toContain('&amp;lt;b&amp;gt;')
    for (const link of linksOf(text).filter((one) => one.startsWith('/') && one.includes('?details'))) {
      const details = await ask(new URL(link, gateway.url).href, HTML)
      expect(details.status).toBe(200)
      expect(details.text.slice(details.text.indexOf('<main'))).not.toMatch(/<img src=x|<script>alert/)
    }
  })

  it('of many files is shown page by page', async () => {
    const tree = Object.fromEntries(Array.from({ length: 450 }, (_, i) => [`f${String(i).padStart(3, '0')}`, 'x']))
    const gateway = await served(tree)
    const second = await gateway.get('?page=2', HTML)
    expect(second.text).toContain('450 entries')
    expect(second.text).toContain('>f200<')
    expect(second.text).not.toContain('>f199<')
    expect(linksOf(second.text).filter((link) => /page=3/.test(link)).length).toBeGreaterThan(0)
    for (const page of ['0', '-1', '99', 'x', '1e9'])
      expect((await gateway.get(`?page=${page}`, HTML)).status).toBe(200)
  })
})

describe('an archive', () => {
  it.each(['zip', 'tar'])('as %s has the announced length, and unpacks to what was shared', async (kind) => {
    const names = { 'ümlaut/日本.txt': 'x', [`${'long/'.repeat(25)}name.txt`]: 'y', 'back\\slash.txt': 'z' }
    const gateway = await served({ ...TREE, ...names })
    const answer = await gateway.get(`?archive=${kind}`)
    expect([answer.status, answer.broken]).toEqual([200, false])
    expect(answer.headers['content-length']).toBe(String(answer.body.length))
    expect(answer.headers['content-disposition']).toContain(`source.${kind}`)
    const file = join(room, `all.${kind}`)
    await writeFile(file, answer.body)
    const out = join(room, 'out')
    await mkdir(out)
    if (kind === 'zip')
      await run('unzip', ['-q', file, '-d', out], { env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' } })
    else await run('tar', ['xf', file, '-C', out])
    const expected = await describeTree(source)
    // A backslash leads out of the folder on Windows.
    const moved = expected['back\\slash.txt'] as string
    delete expected['back\\slash.txt']
    expect(await describeTree(join(out, 'source'))).toEqual({ ...expected, 'back_slash.txt': moved })
  })

  it('as tar goes on where it broke off', async () => {
    const { gateway } = common
    const { body, headers } = await gateway.get('?archive=tar')
    for (const from of [1, 511, 512, 513, 3000, 1_000_000, body.length - 1025, body.length - 1024, body.length - 1]) {
      const rest = await gateway.get('?archive=tar', {
        headers: { range: `bytes=${from}-`, 'if-range': String(headers.etag) }
      })
      expect([from, rest.status]).toEqual([from, 206])
      expect([from, rest.body.equals(body.subarray(from))]).toEqual([from, true])
    }
  })

  it('is of one folder, if asked there', async () => {
    const { gateway } = common
    const file = join(room, 'f.zip')
    await writeFile(file, (await gateway.get('figures/?archive=zip')).body)
    const { stdout } = await run('unzip', ['-Z1', file])
    expect(stdout.trim().split('\n')).toEqual(['figures/deep/note.txt', 'figures/plot.png'])
  })

  it('is not begun if a file in it has changed; the others can be had', async () => {
    const gateway = await served()
    await appendFile(join(source, 'readme.md'), 'more')
    const refused = await gateway.get('?archive=tar')
    expect(refused.status).toBe(409)
    const rest = await gateway.get('?archive=tar&without=missing')
    expect([rest.status, rest.broken]).toEqual([200, false])
    expect(rest.text).not.toContain('Measurements')
  })
})

describe('checksums', () => {
  it('are what sha256sum makes', async () => {
    const gateway = await served()
    const list = await gateway.get('?checksums')
    await writeFile(join(room, 'sums'), list.body)
    const { stdout } = await run('sha256sum', ['-c', join(room, 'sums')], { cwd: source })
    expect(stdout.trim().split('\n')).toHaveLength(7)
    const sum = createHash('sha256').update(LARGE).digest()
    expect((await gateway.get('data/scan.bin?details', HTML)).text).toContain(sum.toString('hex'))
    const { headers } = await gateway.get('data/scan.bin', { method: 'HEAD' })
    expect(headers['repr-digest']).toBe(`sha-256=:${sum.toString('base64')}:`)
  })
})

describe('a preview', () => {
  it('is a table, a text or a picture, and everything in it is text', async () => {
    const { gateway } = common
    const table = await gateway.get('look/a.csv?details', HTML)
    expect(table.text).toContain('<th scope="col">note &quot;x&quot;</th>')
    expect(table.text).toContain('<td>&lt;b&gt;bold&lt;/b&gt;, ha</td>')
    const text = await gateway.get('look/a.txt?details', HTML)
    expect(text.text).toContain('one\n&lt;script&gt;alert(1)&lt;/script&gt;\n?[2J')
    expect((await gateway.get('look/a.png?details', HTML)).text).toMatch(
      /<img class="picture" src="\/~[^"]+\/look\/a\.png" alt="a\.png">/
    )
    expect((await gateway.get('look/a.bin?details', HTML)).text).not.toContain('Preview')
  })
})

describe('older versions', () => {
  it('can be chosen; what nobody has any more is marked, and not replaced by something else', async () => {
    await writeTree(source, { 'kept.txt': 'kept', 'changed.txt': 'first' })
    await index()
    const version = async (gateway: TestGateway) => JSON.parse((await gateway.get('?format=json')).text).version
    const first = await openTestGateway(source)
    const old = await version(first)
    await first.close()
    await writeFile(join(source, 'changed.txt'), 'second')
    await index()
    const gateway = await openTestGateway(source)
    expect(await version(gateway)).toBeGreaterThan(old)
    const page = await gateway.get('', HTML)
    expect(page.text).toContain(`<option value="${old}">`)
    const list = JSON.parse((await gateway.get(`?format=json&version=${old}`)).text)
    expect(list.version).toBe(old)
    expect(list.entries.map(({ name, available }: Record<string, unknown>) => [name, available])).toEqual([
      ['changed.txt', false],
      ['kept.txt', true]
    ])
    expect((await gateway.get(`kept.txt?version=${old}`)).text).toBe('kept')
    expect((await gateway.get(`changed.txt?version=${old}`)).status).toBe(503)
    expect((await gateway.get('changed.txt')).text).toBe('second')
    // In between are numbers that Hyperbee has no tree for: changes that were made together.
    for (let number = 1; number <= old; number++) {
      expect([number, (await gateway.get(`?format=json&version=${number}`)).status]).toEqual([number, 200])
    }
    for (const wrong of ['0', '-1', '999999', '1.5', 'x']) {
      expect([wrong, (await gateway.get(`?version=${wrong}`)).status]).toEqual([wrong, 404])
    }
  })
})

describe('older versions of an earlier fork', () => {
  it('are what they were: a fork changes nothing before it', async () => {
    await writeTree(source, { 'kept.txt': 'kept', 'changed.txt': 'first' })
    await index()
    const first = await openTestGateway(source)
    const { version } = JSON.parse((await first.get('?format=json')).text)
    await first.close()
    // An index that is a copy goes on in a new fork.
    const moved = join(room, 'moved')
    await cp(source, moved, { recursive: true, preserveTimestamps: true })
    await rm(source, { recursive: true })
    source = moved
    await writeFile(join(source, 'changed.txt'), 'second')
    await index()
    const gateway = await openTestGateway(source)
    expect((await gateway.get('kept.txt')).text).toBe('kept')
    expect((await gateway.get('changed.txt')).text).toBe('second')
    expect((await gateway.get(`?format=json&version=${version}`)).status).toBe(200)
    expect((await gateway.get(`kept.txt?version=${version}`)).text).toBe('kept')
    expect((await gateway.get(`changed.txt?version=${version}`)).status).toBe(503)
  })

  it('have no content while the names of another fork are here: their places may hold something else', async () => {
    await writeTree(source, { 'kept.txt': 'kept' })
    await index()
    const { openDrive, placeOf } = await built<typeof drives>('core/drive')
    const { TreeView } = await built<typeof views>('core/tree-view')
    const open = await openDrive({ place: placeOf(source, null), create: null })
    defer(() => open.close())
    const lost = async (version: number | null) => {
      const view = await TreeView.open(open, version)
      const node = await view?.node('kept.txt')
      await view?.close()
      return node?.lost
    }
    const old = open.drive.version
    const batch = open.drive.db.batch()
    await batch.put('later', {}, {})
    await batch.flush()
    expect([await lost(old), await lost(null)]).toEqual([false, false])
    const content = await open.content()
    await content.truncate(content.length, { fork: 7 })
    expect([await lost(old), await lost(null)]).toEqual([true, true])
    await open.drive.core.truncate(open.drive.core.length, { fork: 7 })
    expect([await lost(old), await lost(null)]).toEqual([false, false])
  })
})

describe('what is not on this computer', () => {
  it('is fetched from peers when it is asked for: a link', async () => {
    await writeTree(source, TREE)
    const share = await TestSession.share(source)
    await share.event('import.done')
    const gateway = await openTestGateway(share.link)
    expect((await gateway.get('data/scan.bin')).body.equals(LARGE)).toBe(true)
    expect((await gateway.get('data/scan.bin', { headers: { range: 'bytes=1048570-2097200' } })).body).toEqual(
      LARGE.subarray(1048570, 2097201)
    )
    expect((await gateway.get('?archive=tar')).broken).toBe(false)
    expect((await gateway.get('?checksums')).text.trim().split('\n')).toHaveLength(7)
  })

  it('is fetched for a clone of a part, and shown as missing while nobody has it', async () => {
    await writeTree(source, TREE)
    const copy = join(room, 'copy')
    const share = await TestSession.share(source)
    await share.event('import.done')
    const clone = await TestSession.clone(share.link, copy, { include: ['figures'] })
    await clone.done()
    await clone.close()
    const gateway = await openTestGateway(copy)
    await waitFor(async () => (await gateway.get('data/scan.bin')).status === 200)
    expect((await gateway.get('data/scan.bin')).body.equals(LARGE)).toBe(true)
    expect((await gateway.get('', HTML)).text).toContain('fetched when asked for')
    await gateway.close()
    await share.close()
    const alone = await openTestGateway(copy)
    expect((await alone.get('figures/deep/note.txt')).text).toBe('deep\n')
    const missing = await alone.get('data/scan.bin')
    expect([missing.status, missing.headers['retry-after']]).toEqual([503, '10'])
    expect((await alone.get('data/', HTML)).text).toContain('not available now')
    expect((await alone.get('?archive=zip')).status).toBe(409)
    // Nothing was put into the clone.
    expect(Object.keys(await describeTree(copy)).sort()).toEqual(['figures/deep/note.txt', 'figures/plot.png'])
  })

  it('is everything that a complete clone needs: no network is used for it', async () => {
    await writeTree(source, TREE)
    const { owner } = await shareAndClone(source, join(room, 'copy'))
    await owner.close()
    const gateway = await openTestGateway(join(room, 'copy'))
    expect((await gateway.get('data/scan.bin')).body.equals(LARGE)).toBe(true)
    expect(gateway.events.filter(({ type }) => type === 'network.ready')).toEqual([])
  })
})

describe('a share that is running', () => {
  it('is served beside, and follows its changes', async () => {
    await writeTree(source, TREE)
    const { serveOpen } = await built<typeof servedModule>('core/served')
    let gateway: TestGateway | null = null
    const share = await TestSession.share(source, {
      watch: true,
      beside: async (open) => {
        gateway = await serve(serveOpen(open))
        return gateway
      }
    })
    await share.event('import.done')
    const at = gateway as unknown as TestGateway
    expect((await at.get('readme.md')).text).toBe('# Measurements\n')
    const seen = share.events.length
    await writeFile(join(source, 'new.txt'), 'new')
    await share.event('import.done', ({ added }) => added === 1, seen)
    expect((await at.get('new.txt')).text).toBe('new')
    await share.close()
    await expect(at.get('new.txt')).rejects.toThrow()
  })
})

describe('clients', () => {
  it('a hundred of them are served at once', async () => {
    const { gateway } = common
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) => gateway.get('data/scan.bin', { headers: { range: `bytes=${i}-300000` } }))
    )
    answers.forEach(({ status, body }, i) => {
      expect([status, body.equals(LARGE.subarray(i, 300_001))]).toEqual([206, true])
    })
  })

  it('that say nothing, or nonsense, take nothing from the others', async () => {
    const { gateway } = common
    const { port } = new URL(gateway.url)
    const sockets = Array.from({ length: 320 }, () => net.connect(Number(port), '127.0.0.1'))
    defer(() => {
      for (const socket of sockets) socket.destroy()
    })
    const settled = sockets.map(
      (socket) =>
        new Promise<string>((resolve) => {
          socket.once('close', () => resolve('closed'))
          socket.once('error', () => {})
          socket.once('connect', () =>
            socket.write('GET / HTTP/1.1\r\nX-Slow: ', () => setTimeout(resolve, 500, 'open'))
          )
        })
    )
    const states = await Promise.all(settled)
    // Of one address no more than 300 stay.
    expect(states.filter((state) => state === 'closed').length).toBeGreaterThanOrEqual(20)
    for (const socket of sockets.slice(0, 100)) socket.destroy()
    await waitFor(async () => (await gateway.get('readme.md').catch(() => null))?.status === 200)
  })

  it('cannot make it keep headers without end', async () => {
    const { gateway } = common
    const long = await gateway.get('readme.md', { headers: { 'x-long': 'x'.repeat(40_000) } }).catch(() => null)
    expect(long === null || long.status === 431 || long.broken).toBe(true)
    expect((await gateway.get('readme.md')).status).toBe(200)
  })
})

it('TLS: the same by https, with a cookie for https alone', async () => {
  const certificate = makeCertificate(['DNS:localhost', 'IP:127.0.0.1'])
  defer(() => certificate.remove())
  const gateway = await openTestGateway(common.source, { tls: certificate.files, password: 'quiet frogs' })
  expect(gateway.url).toMatch(/^https:\/\/localhost:\d+\/\?expires=/)
  const url = gateway.url.replace('localhost', '127.0.0.1')
  const answer = await ask(url, { method: 'POST', body: 'password=quiet+frogs' })
  expect(answer.headers['set-cookie']?.[0]).toContain('; Secure')
})

async function waitFor(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not come to that')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
