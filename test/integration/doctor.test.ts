import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterEach, describe, expect, it } from 'vitest'
import { compare } from '../../src/diagnostics/probes/tcp.js'
import { quickCheck } from '../../src/diagnostics/quick.js'
import { examine } from '../../src/diagnostics/run.js'
import { judge } from '../../src/diagnostics/verdicts.js'
import type { NetworkOptions } from '../../src/transport/transport.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const NETWORK: NetworkOptions = {
  dht: false,
  bootstrap: null,
  lan: true,
  lanInterface: '127.0.0.1',
  listen: null,
  peers: []
}
const options = (network: Partial<NetworkOptions>) => ({
  network: { ...NETWORK, ...network },
  version: '1.2.3',
  dir: '.',
  web: [],
  proxyVariables: {}
})
const run = (network: Partial<NetworkOptions>, signal = AbortSignal.timeout(20_000)) =>
  examine(options(network), { quick: true, report: () => {}, signal })

async function webServer(date: Date): Promise<number> {
  const server: Server = createServer((_request, response) => {
    response.setHeader('Date', date.toUTCString())
    response.end('no relay\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  return (server.address() as AddressInfo).port
}

describe('the quick check', () => {
  it('gives the verdict on a network in which nodes answer', async () => {
    const testnet: Testnet = await createTestnet(4, { host: '127.0.0.1' })
    closers.push(() => testnet.destroy())
    const verdict = await quickCheck(
      { ...NETWORK, dht: true, bootstrap: testnet.bootstrap },
      AbortSignal.timeout(20_000)
    )
    expect(verdict).toMatchObject({ code: 'open', exitCode: 0 })
  })

  it('ends at once when it is not wanted any more', async () => {
    const controller = new AbortController()
    const silent = createTcpServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    closers.push(() => silent.close())
    const { port } = silent.address() as AddressInfo
    const began = performance.now()
    const check = quickCheck({ ...NETWORK, relays: [`ws://127.0.0.1:${port}`] }, controller.signal)
    controller.abort()
    await check
    expect(performance.now() - began).toBeLessThan(1000)
  })
})

describe('a web server that is no relay', () => {
  it('tells the time, and that this clock is an hour late', async () => {
    const port = await webServer(new Date(Date.now() + 3_600_000))
    const evidence = await run({ relays: [`ws://127.0.0.1:${port}`] })
    expect(evidence.relays[0]?.facts?.direct.outcome).toBe('upgrade')
    expect(judge(evidence).warnings.map(({ code }) => code)).toEqual(['clock-wrong', 'relay-unreachable'])
    expect(judge(evidence).warnings[0]?.title).toBe(
      "This computer's clock is 60 minutes late, if that of 127.0.0.1 is right."
    )
  })

  it('that never answers is given up in time', async () => {
    const silent = createTcpServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    closers.push(() => silent.close())
    const began = performance.now()
    const evidence = await run({ relays: [`ws://127.0.0.1:${(silent.address() as AddressInfo).port}`] })
    expect(evidence.relays[0]).toMatchObject({ status: 'fail', facts: { direct: { outcome: 'http' } } })
    expect(performance.now() - began).toBeLessThan(8000)
  })
})

describe('a proxy setting that is of no use', () => {
  it.each(['socks5://127.0.0.1:1', 'http://anna:%zz@127.0.0.1:1'])(
    '%s makes a relay unusable, as it does for dat, and says what would help',
    async (proxy) => {
      const port = await webServer(new Date())
      const relayAccess = { proxyFor: () => proxy, ca: null }
      const evidence = await run({ relays: [`ws://127.0.0.1:${port}`], relayAccess })
      expect(evidence.relays[0]).toMatchObject({
        status: 'fail',
        facts: { direct: { outcome: 'upgrade' }, proxied: { reason: 'only http and https proxies can be used' } }
      })
      expect(evidence.proxy).toMatchObject({ status: 'unknown', facts: null })
    }
  )
})

describe('a server that upgrades what nobody asked it to', () => {
  it('holds the doctor up no longer than one that is not there', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: nothing\r\n\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(() => server.close())
    const began = performance.now()
    const evidence = await run({ relays: [`ws://127.0.0.1:${(server.address() as AddressInfo).port}`] })
    expect(evidence.relays[0]).toMatchObject({ status: 'fail', facts: { direct: { outcome: 'http' } } })
    expect(performance.now() - began).toBeLessThan(4000)
  })
})

describe('two series of refusals', () => {
  const series = (base: number) => Array.from({ length: 100 }, (_, i) => base + (i % 10) * 0.001)
  it('are compared by more than their quickest ones', () => {
    expect(compare(series(0.06), series(0.06)).ratio).toBe(1)
    expect(compare(series(0.06), series(0.05)).ratio).toBeGreaterThan(1.1)
    // One that was lucky does not decide.
    expect(compare(series(0.06), [0.01, ...series(0.06)]).ratio).toBeLessThan(1.05)
    expect(compare([], []).ratio).toBe(1)
  })
})
