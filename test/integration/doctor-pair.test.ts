import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DatEvent } from '../../src/base/events.js'
import { newCode, Secrets } from '../../src/diagnostics/pair/code.js'
import { Control } from '../../src/diagnostics/pair/control.js'
import { testPair } from '../../src/diagnostics/pair/session.js'
import type { Side } from '../../src/diagnostics/pair/side.js'
import { FILL_BYTES, Trial } from '../../src/diagnostics/pair/trial.js'
import { Wire } from '../../src/diagnostics/pair/wire.js'
import { judge } from '../../src/diagnostics/verdicts.js'
import { connect } from '../../src/transport/connector.js'
import type { NetworkOptions } from '../../src/transport/transport.js'
import { defer } from '../helpers/cleanup.js'
import { evidenceOf } from '../helpers/pair.js'
import { startRelay } from '../helpers/relay-server.js'

/** Everything on 127.0.0.1. */
const LOOPBACK: NetworkOptions = {
  dht: false,
  bootstrap: [],
  lan: true,
  lanInterface: '127.0.0.1',
  listen: null,
  peers: []
}
const SECOND = 1000

let testnet: Testnet
beforeAll(async () => {
  testnet = await createTestnet(4, { host: '127.0.0.1' })
})
afterAll(() => testnet.destroy())

/** One of the two computers. */
class End {
  readonly events: DatEvent[] = []
  readonly #abort = new AbortController()

  private constructor(
    readonly network: NetworkOptions,
    readonly secrets: Secrets,
    readonly control: Control
  ) {}

  static async open(secrets: Secrets, network: NetworkOptions): Promise<End> {
    const control = await Control.open(network, secrets, () => {})
    const end = new End(network, secrets, control)
    defer(() => control.close())
    return end
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  met(): Promise<boolean> {
    return this.control.met(AbortSignal.timeout(20 * SECOND))
  }

  async test() {
    if (!(await this.met())) throw new Error('not met')
    const evidence = evidenceOf('open', 1, { scene: { ipv4: ['127.0.0.1'] } })
    const own = { evidence, verdict: judge(evidence) }
    const { network, secrets, control, signal } = this
    return testPair({ network, secrets, control, own, report: (event) => this.events.push(event), signal })
  }

  get result() {
    const result = this.events.find((event) => event.type === 'pair.result')
    if (!result) throw new Error('no result')
    return result
  }
}

async function two(here: Partial<NetworkOptions> = {}, there = here): Promise<[End, End]> {
  const secrets = await Secrets.of(newCode())
  return Promise.all([End.open(secrets, { ...LOOPBACK, ...here }), End.open(secrets, { ...LOOPBACK, ...there })])
}

describe('two computers that know the code', () => {
  it('try every route, and both have the same table', async () => {
    const dht = { dht: true, bootstrap: testnet.bootstrap }
    // The relay is named on one of them only.
    const [one, other] = await two({ ...dht, relays: [(await startRelay()).url] }, dht)
    const conclusions = await Promise.all([one.test(), other.test()])
    for (const conclusion of conclusions) expect(conclusion).toMatchObject({ route: 'lan', exitCode: 0 })
    const table = one.result.routes
    expect(table.map(({ route, outcome }) => `${route} ${outcome}`)).toEqual([
      ...['lan works', 'tcp works', 'direct works', 'relay works']
    ])
    for (const { route, firstByte, roundTrip, up, down } of table) {
      for (const figure of [firstByte, roundTrip, up, down]) expect(figure, route).toBeGreaterThan(0)
    }
    expect(table.filter(({ lossUp }) => lossUp !== null).map(({ route }) => route)).toEqual(['direct'])
    const mirrored = other.result.routes.map(({ up, down, lossUp, lossDown, firstByte: _, ...rest }) => ({
      ...{ ...rest, up: down, down: up, lossUp: lossDown, lossDown: lossUp }
    }))
    expect(mirrored).toEqual(table.map(({ firstByte: _, ...rest }) => rest))
  })

  it('say why a route is not there', async () => {
    const [one, other] = await two({}, { relays: [] })
    await Promise.all([one.test(), other.test()])
    const why = (end: End) => end.result.routes.flatMap(({ route, why }) => (why ? [[route, why]] : []))
    expect(why(one)).toEqual([
      ['direct', { code: 'off', place: 'both' }],
      ['relay', { code: 'no-relay', place: 'both' }]
    ])
    expect(why(other)).toEqual(why(one))
  })

  it('are told when the other one leaves', async () => {
    const [one, other] = await two()
    const failed = expect(one.test()).rejects.toMatchObject({ code: 'NO_PEER' })
    await other.met()
    await other.control.close()
    await failed
  })

  it('hear everything once and in order, while the streams between them come and go', async () => {
    const [one, other] = await two()
    await Promise.all([one.met(), other.met()])
    const count = 30
    const heard = (async () => {
      const numbers: unknown[] = []
      while (numbers.length < count) numbers.push((await other.control.next(['n'], 20 * SECOND, other.signal)).value)
      return numbers
    })()
    for (let value = 0; value < count; value++) {
      one.control.say({ type: 'n', value })
      if (value % 10 === 5) {
        other.control.peer?.stream.destroy()
        await one.met()
      }
    }
    expect(await heard).toEqual(Array.from({ length: count }, (_, i) => i))
  })
})

describe('somebody else', () => {
  it('who does not know the code is shown nothing but a proof, and is turned away', async () => {
    const [one] = await two()
    const heard: string[] = []
    const gone = new Promise<void>((resolve) => {
      const stranger = connect({
        ...LOOPBACK,
        // The topic can be seen in the DHT.
        topic: one.secrets.topic('meet'),
        report: () => {},
        onpeer: ({ stream }) => {
          stream.on('data', (data: Buffer) => heard.push(data.subarray(1).toString()))
          stream.write(Buffer.concat([Buffer.of(0), Buffer.from('{"proof":"00"}')]))
          stream.once('close', () => resolve())
        }
      })
      defer(async () => (await stranger).close())
    })
    // The test's other end knows the code and sits on the same topic: it, and only it, is met.
    await one.met()
    await gone
    expect(heard.every((text) => /^\{"proof":"[0-9a-f]{64}"\}$/.test(text))).toBe(true)
  })

  it('cannot send a proof back', async () => {
    const secrets = await Secrets.of(newCode())
    const end = await End.open(secrets, LOOPBACK)
    const gone = new Promise<void>((resolve) => {
      const mirror = connect({
        ...LOOPBACK,
        topic: secrets.topic('meet'),
        report: () => {},
        onpeer: ({ stream }) => {
          stream.on('data', (data: Buffer) => stream.write(data))
          stream.once('close', () => resolve())
        }
      })
      defer(async () => (await mirror).close())
    })
    await gone
    expect(end.control.peer).toBeNull()
  })
})

describe('an other end that knows the code and breaks the rules', () => {
  /** Its streams to a doctor, for one purpose, once they are proved. */
  async function rogue(secrets: Secrets, purpose: string): Promise<Wire> {
    return new Promise((resolve) => {
      const network = connect({
        ...LOOPBACK,
        topic: secrets.topic(purpose),
        report: () => {},
        onpeer: (peer) => {
          new Wire(peer, secrets, purpose, {
            onopen: resolve,
            onclose: () => {},
            onmessage: () => {},
            onfiller: () => {}
          })
        }
      })
      defer(async () => (await network).close())
    })
  }

  function closing({ peer }: Wire): Promise<void> {
    return new Promise((resolve) => peer.stream.once('close', () => resolve()))
  }

  it('cannot send more than is measured', async () => {
    const secrets = await Secrets.of(newCode())
    const trial = new Trial('lan', secrets)
    defer(() => trial.close())
    await trial.open(LOOPBACK, { lan: true })
    const wire = await rogue(secrets, 'route/lan')
    const closed = closing(wire)
    await wire.fill(8 * FILL_BYTES, 20 * SECOND, new AbortController().signal)
    await closed
    expect(trial.intake.bytes).toBeGreaterThan(FILL_BYTES / 2)
    expect(trial.intake.bytes).toBeLessThanOrEqual(FILL_BYTES + 2 ** 20)
  })

  it.each([
    ['a number', (wire: Wire) => wire.send(Object(7))],
    ['what is no message', (wire: Wire) => wire.send({ n: 1, body: 'hello' })],
    [
      'more than a message may hold',
      (wire: Wire) => wire.send({ n: 1, body: { type: 'x', text: 'x'.repeat(40_000) } })
    ],
    ['far too many of them', (wire: Wire) => Array.from({ length: 400 }, () => wire.send({ ack: 1 }))],
    ['filler', (wire: Wire) => wire.fill(2 ** 20, SECOND, new AbortController().signal)]
  ])('is cut off when it says %s', async (_what, say) => {
    const secrets = await Secrets.of(newCode())
    await End.open(secrets, LOOPBACK)
    const wire = await rogue(secrets, 'meet')
    const closed = closing(wire)
    await say(wire)
    await closed
  })

  it('is told so when it says of itself what makes no sense', async () => {
    const [one, other] = await two()
    const failed = expect(one.test()).rejects.toMatchObject({ code: 'NO_PEER', message: /version/ })
    await other.met()
    other.control.say({ type: 'side', protocol: 1, side: { verdict: 'fine' } as unknown as Side })
    await failed
  })
})
