import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ConnectProxy } from '../helpers/connect-proxy.js'
import { Room } from '../helpers/dat.js'

let room: Room
let testnet: Testnet
let bootstrap = ''
beforeAll(async () => {
  testnet = await createTestnet(4, { host: '127.0.0.1' })
  bootstrap = testnet.nodes.map((node) => `127.0.0.1:${node.address()?.port}`).join()
})
afterAll(() => testnet.destroy())
beforeEach(async () => {
  room = await Room.open()
})
afterEach(() => room.close())

/** A port of 127.0.0.1 where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function relayUrl(): Promise<string> {
  const relay = room.dat(['relay', '--listen', '127.0.0.1:0', '--no-dht'])
  return String((await relay.waitFor('relay.listening')).url)
}

/** A certificate for 127.0.0.1 by an authority that nobody knows, as inspecting firewalls make them. */
function signedByOther(folder: string): { cert: string; key: string } {
  const file = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const ca = ['-subj', '/CN=Lab Inspection CA', '-keyout', file('ca.key'), '-out', file('ca.pem')]
  openssl('req', '-x509', ...fresh, '-days', '2', ...ca)
  openssl('req', ...fresh, '-subj', '/CN=127.0.0.1', '-keyout', file('key.pem'), '-out', file('csr.pem'))
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1')
  const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('names')]
  openssl('x509', '-req', '-in', file('csr.pem'), '-days', '2', ...by, '-out', file('cert.pem'))
  return { cert: file('cert.pem'), key: file('key.pem') }
}

describe('where nodes of the DHT answer', () => {
  it('says so, test by test and in one verdict, in less than five seconds', async () => {
    const began = performance.now()
    const doctor = await room.dat(['doctor', '--bootstrap', bootstrap]).exits(0)
    expect(performance.now() - began).toBeLessThan(5000)
    const probes = new Map(doctor.all('probe').map((event) => [event.id, event]))
    expect([...probes.keys()].sort()).toEqual(
      ['addresses', 'inbound', 'lan', 'names', 'nat', 'proxy', 'system', 'tcp', 'udp'].sort()
    )
    expect(probes.get('udp')).toMatchObject({ status: 'ok', evidence: { nameless: [] }, ms: expect.any(Number) })
    expect(probes.get('names')).toMatchObject({ status: 'skipped', evidence: null })
    expect(doctor.all('verdict')).toEqual([
      expect.objectContaining({ v: 1, code: 'open', severity: 'ok', warnings: [], exitCode: 0 })
    ])
    expect(doctor.all('verdict')[0]?.advice).not.toEqual([])
    expect(doctor.events.at(-1)?.type).toBe('verdict')
  })

  it('prints the verdict on stdout and the tests on stderr', async () => {
    const doctor = await room.dat(['doctor', '--bootstrap', bootstrap], { text: true }).exits(0)
    expect(doctor.stdout.trimEnd().split('\n').at(-1)).toBe('Verdict: open')
    expect(doctor.stderr.split('\n').filter((line) => line.includes('DHT nodes answer'))).toHaveLength(1)
    expect(Math.max(...`${doctor.stdout}${doctor.stderr}`.split('\n').map((line) => line.length))).toBeLessThan(80)
  })

  it('prints nothing but the mail on stdout with --it', async () => {
    const doctor = await room.dat(['doctor', '--it', '--bootstrap', bootstrap], { text: true }).exits(0)
    expect(doctor.stdout.split('\n')[0]).toBe('Subject: For your records: data sharing with dat')
  })
})

describe('a relay', () => {
  it('is tested, and is the way where there is no DHT: exit code 20', async () => {
    const url = await relayUrl()
    const doctor = await room.dat(['doctor', '--relay', url]).exits(20)
    const relay = doctor.all('probe').find(({ id }) => String(id).startsWith('relay:'))
    expect(relay).toMatchObject({ status: 'ok', evidence: { direct: { outcome: 'works' }, proxied: null } })
    expect(doctor.all('verdict')[0]).toMatchObject({ code: 'udp-blocked', certain: false, warnings: [] })
  })

  it('is tested through the proxy too, and a report holds nothing that is secret', async () => {
    const url = `${await relayUrl()}/token-in-the-path`
    const proxy = await ConnectProxy.listen({ credentials: 'anna:let-me-out' })
    try {
      const address = `http://anna:let-me-out@127.0.0.1:${proxy.port}`
      const report = room.path('report.txt')
      const doctor = await room
        .dat(['doctor', '--relay', url, '--web', `127.0.0.1:${await closedPort()}`, '--report', report], {
          env: { HTTP_PROXY: address, HTTPS_PROXY: address, ALL_PROXY: address, USER: 'hildegard' }
        })
        .exits(20)
      const relay = doctor.all('probe').find(({ id }) => String(id).startsWith('relay:'))
      expect(relay?.evidence).toMatchObject({ proxied: { outcome: 'works' } })
      expect(doctor.all('probe').find(({ id }) => id === 'proxy')).toMatchObject({ status: 'ok' })
      const text = await readFile(report, 'utf8')
      expect(text.split('\n')[0]).toMatch(/^dat doctor, version /)
      for (const shown of [text, doctor.stdout, doctor.stderr]) {
        expect(shown).not.toMatch(/let-me-out|anna|token-in-the-path/)
      }
      // Neither who works here nor where: this folder, the home folder, the name of the user and of the computer.
      const own = [room.path('.'), homedir(), userInfo().homedir, 'hildegard', hostname()]
      for (const name of own.filter((one) => one.length > 1)) expect(text).not.toContain(name)
    } finally {
      await proxy.close()
    }
  })

  it('whose certificate somebody in between has made anew is warned of, with the name of who did', async () => {
    const { cert, key } = signedByOther(room.path('.'))
    const relay = room.dat(['relay', '--listen', '127.0.0.1:0', '--no-dht', '--tls-cert', cert, '--tls-key', key])
    const { port } = await relay.waitFor('relay.listening')
    const doctor = await room.dat(['doctor', '--bootstrap', bootstrap, '--relay', `wss://127.0.0.1:${port}`]).exits(0)
    expect(doctor.all('verdict')[0]).toMatchObject({
      code: 'open',
      warnings: [{ code: 'tls-intercepted', title: expect.stringContaining('"Lab Inspection CA"') }]
    })
    const trusting = ['doctor', '--relay', `wss://127.0.0.1:${port}`, '--relay-ca', room.path('ca.pem')]
    expect((await room.dat(trusting).exits(20)).all('verdict')[0]).toMatchObject({ warnings: [] })
  })

  it('that is not there is warned of, and does not change the verdict', async () => {
    const url = `ws://127.0.0.1:${await closedPort()}`
    const doctor = await room.dat(['doctor', '--bootstrap', bootstrap, '--relay', url]).exits(0)
    expect(doctor.all('verdict')[0]).toMatchObject({ code: 'open', warnings: [{ code: 'relay-unreachable' }] })
  })
})

describe('where nobody answers', () => {
  it('ends with 21, and says that the nodes may be down', async () => {
    const nobody = `127.0.0.1:${await closedPort()},127.0.0.1:${await closedPort()}`
    const doctor = await room.dat(['doctor', '--bootstrap', nobody]).exits(21)
    expect(doctor.all('verdict')[0]).toMatchObject({ certain: false, warnings: [{ code: 'dht-unreachable' }] })
  })

  it('is interrupted by Ctrl-C', async () => {
    const doctor = room.dat(['doctor', '--bootstrap', `127.0.0.1:${await closedPort()}`])
    await doctor.waitFor('probe')
    doctor.kill('SIGINT')
    await doctor.exits(130)
    expect(doctor.all('verdict')).toEqual([])
  })
})

describe('wrong usage', () => {
  it.each([
    ['--it', 'abcde-fghjk-mnpqr', 'code'],
    ['--it', `dat://${'a'.repeat(52)}`, 'link'],
    ['--report=report.txt', `dat://${'a'.repeat(52)}`, 'link']
  ])('is what %s with a code or a link would be without a word', async (flag, code, what) => {
    const doctor = await room.dat(['doctor', code, flag]).exits(2)
    expect(doctor.all('error')[0]).toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`cannot go with a ${what}`),
      hint: expect.stringContaining(`dat doctor ${flag.split('=')[0]}`)
    })
  })

  it('refuses a server without a port', async () => {
    const doctor = await room.dat(['doctor', '--web', 'www.example.org']).exits(2)
    expect(doctor.all('error')[0]).toMatchObject({ code: 'USAGE' })
  })
})
