import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import WebSocket, { WebSocketServer } from 'ws'
import { DatError } from '../../src/base/errors.js'
import { addressGroup } from '../../src/transport/address-group.js'
import { Budget } from '../../src/transport/relay/server/budget.js'
import { type Certificate, readCertificate, watchCertificate } from '../../src/transport/relay/server/certificate.js'
import { GIVE_UP_AFTER_MS, MAX_UNREAD_BYTES, PING_AFTER_MS } from '../../src/transport/relay/server/limits.js'
import { Visitor } from '../../src/transport/relay/server/visitor.js'
import { makeCertificate, type TestCertificate } from '../helpers/certificates.js'
import { defer } from '../helpers/cleanup.js'

describe('a budget', () => {
  it('lets its size through at once, and then makes a debt at its rate', () => {
    const budget = new Budget(1000, 500)
    expect(budget.spend(500)).toBe(0)
    const wait = budget.spend(1000)
    expect(wait).toBeGreaterThan(900)
    expect(wait).toBeLessThanOrEqual(1000)
    // Who spends on regardless waits longer: nothing is forgiven.
    expect(budget.spend(1000)).toBeGreaterThan(1900)
  })

  it('without a rate never makes anybody wait', () => {
    const budget = new Budget(Number.POSITIVE_INFINITY, 1)
    for (let i = 0; i < 3; i++) expect(budget.spend(Number.MAX_SAFE_INTEGER)).toBe(0)
  })
})

describe('one address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:DB8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['not an address', 'not an address']
  ])('%s is %s', (address, group) => {
    expect(addressGroup(address)).toBe(group)
  })
})

/** Both ends of a WebSocket on this machine. */
async function visit(autoPong: boolean): Promise<{ visitor: Visitor; client: WebSocket }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  defer(() => server.close())
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { autoPong })
  client.on('error', () => {})
  defer(() => client.terminate())
  const [[ws]] = await Promise.all([once(server, 'connection'), once(client, 'open')])
  const visitor = new Visitor(ws as WebSocket, 'here')
  return { visitor, client }
}

describe('a visitor', () => {
  it('that is silent is pinged, and stays when it answers', async () => {
    const { visitor, client } = await visit(true)
    const pinged = once(client, 'ping')
    visitor.check(performance.now() + PING_AFTER_MS)
    await pinged
    expect(visitor.open).toBe(true)
    expect(client.readyState).toBe(WebSocket.OPEN)
  })

  it('that stays silent is cut off', async () => {
    const { visitor, client } = await visit(false)
    const left = new Promise<void>((resolve) => {
      visitor.handle({ onmessage: () => {}, onbinary: () => {}, onclose: () => resolve() })
    })
    visitor.check(performance.now() + PING_AFTER_MS - 1000)
    expect(visitor.open).toBe(true)
    visitor.check(performance.now() + GIVE_UP_AFTER_MS)
    await Promise.all([left, once(client, 'close')])
    expect(visitor.open).toBe(false)
  })

  it('that is not read from is not blamed for its silence', async () => {
    const { visitor } = await visit(true)
    visitor.hold()
    visitor.check(performance.now() + 2 * GIVE_UP_AFTER_MS)
    expect(visitor.open).toBe(true)
    visitor.release()
    visitor.check(performance.now())
    expect(visitor.open).toBe(true)
  })

  it('that reads nothing of what it is told is cut off, not written to for ever', async () => {
    const { visitor, client } = await visit(true)
    client.pause()
    const members = Array.from({ length: 64 }, () => ({ id: '0'.repeat(64), key: randomBytes(32) }))
    let most = 0
    for (let i = 0; visitor.open; i++) {
      if (i === 10_000) throw new Error('written to for ever')
      visitor.say({ type: 'members', members })
      most = Math.max(most, visitor.buffered)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(most).toBeLessThan(MAX_UNREAD_BYTES + 32 * 1024)
  })
})

describe('a certificate', () => {
  const make = (...names: string[]): TestCertificate => {
    const made = makeCertificate(names)
    defer(() => made.remove())
    return made
  }
  const folder = async (): Promise<string> => {
    const path = await mkdtemp(join(tmpdir(), 'dat-relay-'))
    defer(() => rm(path, { recursive: true }))
    return path
  }
  const problem = (files: { cert: string; key: string }) =>
    readCertificate(files).then(
      () => 'none',
      (error: DatError) => error.message
    )

  it('says for which names it is', async () => {
    const { files } = make('DNS:relay.example.org', 'DNS:*.example.org', 'IP:127.0.0.1')
    expect((await readCertificate(files)).names).toEqual(['relay.example.org'])
  })

  it('that is missing, none, or of another key is said to be', async () => {
    const { files } = make('DNS:one')
    const { files: others } = make('DNS:two')
    expect(await problem({ ...files, cert: '/nowhere/cert.pem' })).toBe(
      'cannot read the certificate /nowhere/cert.pem: there is no such file'
    )
    expect(await problem({ cert: files.key, key: files.key })).toBe(`${files.key} holds no certificate in PEM form`)
    expect(await problem({ cert: files.cert, key: files.cert })).toMatch(/holds no private key/)
    expect(await problem({ cert: files.cert, key: others.key })).toBe(
      `the certificate ${files.cert} does not belong to the key ${others.key}`
    )
  })

  it('that was renewed is read again, and one that does not fit is reported', async () => {
    const [one, two] = [make('DNS:one'), make('DNS:two')]
    const path = await folder()
    const files = { cert: join(path, 'cert'), key: join(path, 'key') }
    const put = async ({ files: from }: TestCertificate) => {
      await copyFile(from.cert, files.cert)
      await copyFile(from.key, files.key)
    }
    await put(one)
    const results: Array<Certificate | DatError> = []
    let tell = () => {}
    const watch = watchCertificate(
      files,
      (result) => {
        results.push(result)
        tell()
      },
      20
    )
    defer(() => watch.close())
    const heard = (fits: (result: Certificate | DatError) => boolean) =>
      new Promise<void>((resolve) => {
        tell = () => results.some(fits) && resolve()
        tell()
      })
    await watch.ready
    await writeFile(files.cert, 'nonsense')
    await heard((result) => result instanceof DatError)
    await put(two)
    await heard((result) => !(result instanceof Error) && result.names[0] === 'two')
  })
})
