import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { SUBPROTOCOL } from '../../src/transport/relay/protocol.js'
import { openSocket } from '../../src/transport/relay/socket.js'
import type { RelayAccess } from '../../src/transport/transport.js'
import { makeCertificate } from '../helpers/certificates.js'
import { defer } from '../helpers/cleanup.js'
import { ConnectProxy, type ProxyOptions } from '../helpers/connect-proxy.js'

const good = makeCertificate(['DNS:localhost', 'IP:127.0.0.1', 'DNS:relay.test'])
const otherName = makeCertificate(['DNS:elsewhere.test'])

afterAll(() => {
  good.remove()
  otherName.remove()
})

const DIRECT: RelayAccess = { proxyFor: () => null, ca: null }

/** A server that speaks the subprotocol and nothing more. */
async function relay(tls?: { cert: string; key: string }, protocol: string = SUBPROTOCOL): Promise<number> {
  const server = tls ? createTlsServer(tls) : createHttpServer()
  const sockets = new WebSocketServer({ server, handleProtocols: () => protocol })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  defer(async () => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

async function proxy(options: ProxyOptions = {}): Promise<ConnectProxy> {
  const one = await ConnectProxy.listen(options)
  defer(() => one.close())
  return one
}

/** Connects and resolves with '', or with the reason why not. */
async function attempt(url: string, access: Partial<RelayAccess> = {}): Promise<string> {
  try {
    const socket = await openSocket(url, { ...DIRECT, ...access }, new AbortController().signal)
    socket.terminate()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('a relay is reached', () => {
  it('directly, with and without TLS', async () => {
    expect(await attempt(`ws://127.0.0.1:${await relay()}`)).toBe('')
    expect(await attempt(`ws://localhost:${await relay()}/some/path`)).toBe('')
    expect(await attempt(`wss://localhost:${await relay(good)}`, { ca: good.cert })).toBe('')
  })

  it.each([undefined, good])('through a proxy, which looks its name up', async (tls) => {
    const port = await relay(tls)
    const way = await proxy({ hosts: { 'relay.test': '127.0.0.1' } })
    const access = { proxyFor: () => `http://127.0.0.1:${way.port}`, ca: tls ? tls.cert : null }
    expect(await attempt(`${tls ? 'wss' : 'ws'}://relay.test:${port}`, access)).toBe('')
    expect(way.connected).toEqual([`relay.test:${port}`])
  })

  it('through a proxy that wants a password, and one that speaks TLS', async () => {
    const way = await proxy({ credentials: 'us er:p@ss:w', tls: good })
    const proxyFor = () => `https://us%20er:p%40ss%3Aw@localhost:${way.port}`
    expect(await attempt(`wss://127.0.0.1:${await relay(good)}`, { proxyFor, ca: good.cert })).toBe('')
    expect(way.connected).toHaveLength(1)
  })
})

describe('a relay that can not be used', () => {
  it('is described in words', async () => {
    expect(await attempt('ws://127.0.0.1:1')).toBe('connection refused')
    expect(await attempt(`ws://127.0.0.1:${await relay(undefined, 'something-else')}`)).toBe('this is not a dat relay')
    const web = createHttpServer((_request, response) => response.writeHead(404).end('no'))
    web.listen(0, '127.0.0.1')
    await once(web, 'listening')
    defer(() => web.close())
    const { port } = web.address() as AddressInfo
    expect(await attempt(`ws://127.0.0.1:${port}`)).toBe(
      'it answers with HTTP 404: there is no dat relay at this address'
    )
    expect(await attempt(`wss://127.0.0.1:${port}`)).toMatch(/does not speak TLS/)
  })

  it('is not trusted without a certificate that is good for its name', async () => {
    const port = await relay(good)
    expect(await attempt(`wss://localhost:${port}`)).toMatch(/certificate is not accepted.*--relay-ca FILE/)
    const wrong = await relay(otherName)
    expect(await attempt(`wss://localhost:${wrong}`, { ca: otherName.cert })).toMatch(/made for another name/)
    expect(await attempt(`wss://localhost:${port}`, { ca: otherName.cert })).toMatch(/certificate is not accepted/)
  })

  it('is not waited for without end', async () => {
    const mute = createServer(() => {})
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    defer(() => mute.close())
    const { port } = mute.address() as AddressInfo
    const way = await proxy({ silent: true })
    const proxyFor = () => `http://127.0.0.1:${way.port}`
    const began = performance.now()
    const [direct, proxied] = await Promise.all([
      attempt(`ws://127.0.0.1:${port}`),
      attempt(`ws://127.0.0.1:${port}`, { proxyFor })
    ])
    expect(performance.now() - began).toBeLessThan(9500)
    expect(direct).toBe('no answer')
    expect(proxied).toBe(`the proxy 127.0.0.1:${way.port} does not answer`)
  })

  it('is given up when the signal says so', async () => {
    const way = await proxy({ silent: true })
    const abort = new AbortController()
    const access = { ...DIRECT, proxyFor: () => `http://127.0.0.1:${way.port}` }
    const opening = openSocket('ws://127.0.0.1:9', access, abort.signal)
    abort.abort()
    await expect(opening).rejects.toThrow('given up')
    await expect(openSocket('ws://127.0.0.1:9', access, abort.signal)).rejects.toThrow('given up')
  })
})

describe('a proxy that refuses', () => {
  const SECRET = 'hunter2'
  it.each<[string, ProxyOptions, string, RegExp]>([
    [
      'wants a password',
      { credentials: 'a:b' },
      '',
      /wants a user name and password: set HTTPS_PROXY=http:\/\/user:pass/
    ],
    [
      'wants another password',
      { credentials: 'a:b' },
      `anna:${SECRET}@`,
      /does not accept this user name and password/
    ],
    ['forbids it', { status: 403 }, `anna:${SECRET}@`, /does not allow connections to relay\.test:4443/],
    ['finds nothing', { status: 502 }, '', /cannot reach relay\.test:4443 \(HTTP 502\)/],
    ['is odd', { status: 418 }, '', /does not connect to relay\.test:4443 \(HTTP 418\)/]
  ])('because it %s', async (_why, options, user, expected) => {
    const way = await proxy(options)
    const proxyFor = () => `http://${user}127.0.0.1:${way.port}`
    for (const url of ['wss://relay.test:4443', 'ws://relay.test:4443']) {
      const reason = await attempt(url, { proxyFor })
      expect(reason).toMatch(expected)
      expect(reason).toContain(`127.0.0.1:${way.port}`)
      expect(reason).not.toContain(SECRET)
    }
  })

  it('because it is not there, or none that we can use', async () => {
    expect(await attempt('wss://relay.test', { proxyFor: () => 'http://127.0.0.1:1' })).toBe(
      'the proxy 127.0.0.1:1: connection refused'
    )
    const socks = await attempt('wss://relay.test', { proxyFor: () => `socks5://anna:${SECRET}@127.0.0.1:1080` })
    expect(socks).toMatch(/socks5: proxy, and dat only uses http and https/)
    expect(socks).not.toContain(SECRET)
    const broken = await attempt('wss://relay.test', { proxyFor: () => `http://anna:%zz${SECRET}@h` })
    expect(broken).toMatch(/not of the form/)
    expect(broken).not.toContain(SECRET)
  })
})
