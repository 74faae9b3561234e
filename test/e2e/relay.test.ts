import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../helpers/certificates.js'
import { type Dat, Room } from '../helpers/dat.js'
import { joinRelay } from '../helpers/relay-client.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
})
afterEach(() => room.close())

async function listening(relay: Dat): Promise<{ url: string; port: number }> {
  const { url, port } = await relay.waitFor('relay.listening')
  return { url: url as string, port: port as number }
}

describe('dat relay', () => {
  it('says where it listens, serves, and ends properly', async () => {
    const relay = room.dat(['relay', '--listen', '127.0.0.1:0', '--no-dht'])
    const { url, port } = await listening(relay)
    expect(url).toBe(`ws://127.0.0.1:${port}`)
    expect(await relay.waitFor('relay.stats')).toMatchObject({
      clients: 0,
      circuits: 0,
      bytes: 0,
      udpPairs: 0,
      udpBytes: 0,
      rss: expect.any(Number)
    })
    const health = await fetch(`http://127.0.0.1:${port}/healthz`)
    expect(await health.json()).toEqual({ ok: true, clients: 0, circuits: 0 })
    const client = await joinRelay(url, randomBytes(32), randomBytes(32))
    expect(await client.next('joined')).toMatchObject({ lanes: 8, dht: false, blind: null })
    relay.kill('SIGTERM')
    expect((await client.closed).code).toBe(1001)
    await relay.exits(130, 5000)
    expect(relay.all('error')).toMatchObject([{ code: 'INTERRUPTED', exitCode: 130 }])
  })

  it('prints its URL for people, on stdout alone', async () => {
    const relay = room.dat(['relay', '--listen', '127.0.0.1:0', '--no-dht'], { text: true })
    await relay.prints('Ctrl-C')
    expect(relay.stdout).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\n$/)
    relay.kill('SIGINT')
    await relay.exits(130, 5000)
    expect(relay.stderr).not.toMatch(/error/)
  })

  it('serves wss:// with a certificate, by the name in it', async () => {
    const { files, cert, remove } = makeCertificate(['DNS:localhost'])
    const relay = room.dat([
      ...['relay', '--listen', '127.0.0.1:0', '--no-dht'],
      ...['--tls-cert', files.cert, '--tls-key', files.key]
    ])
    const { url, port } = await listening(relay)
    expect(url).toBe(`wss://localhost:${port}`)
    const client = await joinRelay(url, randomBytes(32), randomBytes(32), { ca: cert })
    await client.next('joined')
    await relay.stop()
    remove()
  })

  it.each<[string, string[], RegExp]>([
    ['a certificate without its key', ['--tls-cert', 'cert.pem'], /go together/],
    ['a certificate that is none', ['--tls-cert', 'cert.pem', '--tls-key', 'cert.pem'], /holds no certificate/],
    ['a certificate that is not there', ['--tls-cert', 'x.pem', '--tls-key', 'x.pem'], /x\.pem: there is no such file/],
    ['a rate that is none', ['--limit-total', 'fast'], /^--limit-total: "fast" is not a rate/],
    ['a number that is none', ['--max-clients', '-3'], /--max-clients/]
  ])('%s: exit code 2', async (_what, args, message) => {
    await writeFile(room.path('cert.pem'), 'nonsense')
    const relay = await room.dat(['relay', '--listen', '127.0.0.1:0', '--no-dht', ...args]).exits(2)
    const [error] = relay.all('error')
    expect(error).toMatchObject({ code: 'USAGE' })
    expect(error?.message).toMatch(message)
  })

  it('a port that is taken: exit code 2', async () => {
    const first = room.dat(['relay', '--listen', '127.0.0.1:0', '--no-dht'])
    const { port } = await listening(first)
    const second = await room.dat(['relay', '--listen', `127.0.0.1:${port}`, '--no-dht']).exits(2)
    expect(second.all('error')).toMatchObject([
      { message: `cannot listen on 127.0.0.1:${port}: another program already does` }
    ])
    await first.stop()
  })
})
