import { mkdir, writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../helpers/certificates.js'
import { defer } from '../helpers/cleanup.js'
import { ConnectProxy } from '../helpers/connect-proxy.js'
import { Room } from '../helpers/dat.js'
import { startRelay } from '../helpers/relay-server.js'
import { describeTree, PLAIN_TREE, writeTree } from '../helpers/trees.js'

const ONLY_RELAY = ['--no-lan', '--no-dht']
const certificate = makeCertificate(['DNS:localhost', 'DNS:relay.test'])
let room: Room

beforeEach(async () => {
  room = await Room.open()
})
afterEach(async () => {
  await room.close()
})
afterAll(() => certificate.remove())

describe('a relay', () => {
  it('brings a clone to a share, by the link alone, and later a pull', async () => {
    const { relay, url } = await startRelay()
    await writeTree(room.path('source'), PLAIN_TREE)
    const { share, link } = await room.share('source', [...ONLY_RELAY, '--relay', url])
    expect(link).toMatch(new RegExp(`@ws:127\\.0\\.0\\.1:${relay.port}$`))
    const clone = await room.dat(['clone', link, 'copy', ...ONLY_RELAY]).exits(0)
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
    expect(clone.all('network.ready').at(-1)).toMatchObject({ relays: [url], dht: false, lan: false })
    expect(clone.all('peer.connected')[0]).toMatchObject({ route: 'relay', address: `127.0.0.1:${relay.port}` })
    expect(await share.waitFor('peer.complete')).toMatchObject({ version: clone.all('done')[0]?.version })

    await writeFile(room.path('source', 'new.txt'), 'new')
    await share.waitFor('import.done', (event) => event.added === 1)
    await room.dat(['pull', 'copy', ...ONLY_RELAY]).exits(0)
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
    const status = await room.dat(['status', 'copy'], { text: true }).exits(0)
    expect(status.stdout).toContain(link)
    await share.stop()
  })

  it('with TLS is reached by the environment: through a proxy with a password, which knows its name', async () => {
    const { relay } = await startRelay({ tls: certificate.files })
    const proxy = await ConnectProxy.listen({ credentials: 'anna:secret1', hosts: { 'relay.test': '127.0.0.1' } })
    defer(() => proxy.close())
    const url = `wss://relay.test:${relay.port}`
    await writeTree(room.path('source'), { a: 'a' })
    const HTTPS_PROXY = `http://anna:secret1@127.0.0.1:${proxy.port}`
    const env = { HTTPS_PROXY, DAT_RELAY: url, NODE_EXTRA_CA_CERTS: certificate.files.cert }
    const share = room.dat(['share', 'source', ...ONLY_RELAY], { env })
    const { link } = await share.waitFor('link')
    const ca = ['--relay-ca', certificate.files.cert]
    const clone = room.dat(['clone', String(link), 'copy', ...ONLY_RELAY, ...ca], { env: { https_proxy: HTTPS_PROXY } })
    await clone.exits(0)
    expect(new Set(proxy.connected)).toEqual(new Set([`relay.test:${relay.port}`]))
    expect(proxy.connected.length).toBeGreaterThanOrEqual(4)
    await share.stop()
    for (const { stdout, stderr } of [share, clone]) expect(stdout + stderr).not.toContain('secret1')
  })

  it('that NO_PROXY names is reached without the proxy', async () => {
    const { url } = await startRelay()
    await writeTree(room.path('source'), { a: 'a' })
    const { link } = await room.share('source', [...ONLY_RELAY, '--relay', url])
    const env = { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1' }
    await room.dat(['clone', link, 'copy', ...ONLY_RELAY], { env }).exits(0)
  })

  it('that can not be reached is told of once, without the password', async () => {
    const proxy = await ConnectProxy.listen({ credentials: 'anna:right' })
    defer(() => proxy.close())
    await mkdir(room.path('source'))
    await writeFile(room.path('source', 'a'), 'a')
    const env = { ALL_PROXY: `http://anna:wrong7@127.0.0.1:${proxy.port}` }
    const share = room.dat(['share', 'source', ...ONLY_RELAY, '--relay', 'relay.test'], { env, text: true })
    await share.prints(`the proxy 127.0.0.1:${proxy.port} does not accept this user name and password`)
    await share.stop()
    expect(share.stderr.match(/cannot use the relay wss:\/\/relay\.test/g)).toHaveLength(1)
    expect(share.stdout + share.stderr).not.toContain('wrong7')
  })

  it('that is none is wrong usage', async () => {
    for (const value of ['ftp://x', 'wss://anna:secret1@host', 'wss://host?x']) {
      const share = await room.dat(['share', '.', '--relay', value], { text: true }).exits(2)
      expect(share.stderr).toContain('--relay')
      expect(share.stderr).not.toContain('secret1')
    }
    const missing = await room.dat(['share', '.', '--relay-ca', 'nowhere.pem'], { text: true }).exits(2)
    expect(missing.stderr).toContain('nowhere.pem')
  })
})
