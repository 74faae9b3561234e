import crypto from 'hypercore-crypto'
import { DatError } from '../base/errors.js'
import { watchClock } from './clock.js'
import { Dial } from './dial.js'
import { Gate } from './gate.js'
import { formatHostPort, parseHostPort } from './host-port.js'
import { Lan } from './lan.js'
import { instanceId } from './lan-records.js'
import { NetworkNews } from './network-news.js'
import { watchNetwork } from './network-watch.js'
import { judge, type Outlook } from './outlook.js'
import { PeerTable } from './peer-table.js'
import { Relays } from './relay/relays.js'
import { bytesHeard, remoteAddress } from './streams.js'
import { Swarm } from './swarm.js'
import { dialableAddresses, dialReason, listenTcp, type TcpListener } from './tcp.js'
import { Throttle } from './throttle.js'
import type { Candidate, ConnectOptions, HostPort, KeyPair, Network, NoiseStream, Peer } from './transport.js'

/** What a direct way to a peer gets before a relay is asked for one, where there may be a direct way. */
const DIRECT_FIRST_MS = 300
/** What our own DHT gets before a relay is asked to look there for us. */
const OWN_DHT_MS = 700
/** What a direct connection to a peer that was found gets before a relay is asked to connect us. */
const OWN_DIRECT_MS = 2000
/** The length of a message has 24 bits. */
const LONGEST_MESSAGE = 2 ** 24 - 1

/**
 * Looks for peers by all the given ways at once, under one identity that lasts as long as the process, and keeps the
 * best stream to each. Resolves as soon as the local sockets are bound; it never waits for an answer from anybody.
 * @throws DatError USAGE when `listen` cannot be had, or an address in `peers` is none
 */
export async function connect(options: ConnectOptions): Promise<Network> {
  const addresses = options.peers.map(dialTarget)
  const connector = new Connector(options, crypto.keyPair())
  try {
    await connector.open(addresses)
  } catch (error) {
    await connector.close()
    throw error
  }
  return connector
}

function dialTarget(text: string): HostPort {
  const address = parseHostPort(text)
  if (address.host === '' || address.port === 0) {
    throw new DatError('USAGE', `"${text}" does not say which computer to dial`, {
      hint: 'write it as host:port, such as --peer 192.168.1.20:4000'
    })
  }
  return address
}

class Connector implements Network {
  readonly #options: ConnectOptions
  readonly #keyPair: KeyPair
  readonly #table: PeerTable
  readonly #dials: Dial[] = []
  readonly #since = performance.now()
  readonly #throttle: Throttle
  readonly #gate: Gate
  readonly #news: NetworkNews
  #listener: TcpListener | null = null
  #lan: Lan | null = null
  #swarm: Swarm | null = null
  #relays: Relays | null = null
  /** Keys of the blind relays that were known last, in hex. */
  #blind: string[] = []
  #clock: { close(): void } | null = null
  #addresses: { close(): void } | null = null
  #closing: Promise<void> | null = null
  listening: string[] = []

  constructor(options: ConnectOptions, keyPair: KeyPair) {
    this.#options = options
    this.#keyPair = keyPair
    this.#throttle = new Throttle(options.limits ?? { up: null, down: null })
    this.#gate = new Gate(options.longestMessage ?? LONGEST_MESSAGE)
    this.#news = new NetworkNews(options.report, () => ({
      dht: this.#swarm?.up ?? false,
      lan: this.#lan?.up ?? false,
      relays: this.#relays?.up ?? [],
      listening: this.listening
    }))
    this.#table = new PeerTable({
      self: keyPair.publicKey,
      report: options.report,
      onpeer: (peer) => options.onpeer(peer, this),
      ongone: (publicKey, clean) => this.#ongone(publicKey, clean)
    })
  }

  get peers(): ReadonlyMap<string, Peer> {
    return this.#table.peers
  }

  get outlook(): Outlook {
    return judge({
      age: performance.now() - this.#since,
      peers: this.#table.peers.size,
      dht: this.#swarm?.evidence ?? null,
      nearby: this.#lan?.nearby ?? false,
      relay: this.#relays?.evidence ?? null
    })
  }

  get heard(): number {
    let bytes = 0
    for (const { stream } of this.#table.peers.values()) bytes += bytesHeard(stream)
    return bytes
  }

  pace(stream: NoiseStream, rate: number | null): void {
    this.#throttle.pace(stream, rate)
  }

  async open(addresses: HostPort[]): Promise<void> {
    // The DHT takes longest to start, and nothing waits for it.
    if (this.#options.dht) this.#openSwarm()
    if (this.#options.relays?.length) this.#openRelays(this.#options.relays)
    if (this.#options.listen) await this.#listen(this.#options.listen)
    for (const address of addresses) this.#dial(address)
    if (this.#options.lan) await this.#openLan()
    this.#clock = watchClock(() => this.#startOver())
    this.#addresses = watchNetwork(() => this.#startOver())
    this.#news.open(this.#swarm?.up === false)
  }

  refresh(): void {
    if (this.#closing) return
    this.#lan?.refresh()
    this.#swarm?.refresh()
    this.#relays?.wake()
    for (const dial of this.#dials) dial.wake()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#news.close()
    this.#clock?.close()
    this.#addresses?.close()
    for (const dial of this.#dials) dial.close()
    // Streams first, in good order: the transports below would cut them off.
    await this.#table.close()
    this.#relays?.close()
    await Promise.all([this.#lan?.close(), this.#listener?.close(), this.#swarm?.close()])
  }

  trust(stream: NoiseStream): void {
    this.#gate.trust(stream)
  }

  readonly #oncandidate = (candidate: Candidate): void => {
    this.#gate.watch(candidate.stream, remoteAddress(candidate.stream))
    this.#throttle.add(candidate.stream)
    this.#table.add(candidate)
  }

  #openSwarm(): void {
    this.#swarm = new Swarm({
      topic: this.#options.topic,
      keyPair: this.#keyPair,
      bootstrap: this.#options.bootstrap,
      blind: () => this.#relays?.blind ?? [],
      punch: this.#options.punch,
      wants: (publicKey) => !this.#table.covers(publicKey, 'direct'),
      lonely: () => this.#table.isPoor,
      oncandidate: this.#oncandidate,
      onmoved: (candidate) => this.#table.moved(candidate),
      onup: () => this.#news.up()
    })
  }

  #openRelays(urls: readonly string[]): void {
    this.#relays = new Relays({
      urls,
      access: this.#options.relayAccess ?? { proxyFor: () => null, ca: null },
      topic: this.#options.topic,
      keyPair: this.#keyPair,
      wants: (publicKey) => !this.#table.covers(publicKey, 'relay'),
      delay: () => (this.#swarm?.up ? DIRECT_FIRST_MS : 0),
      lookAfter: this.#swarm ? OWN_DHT_MS : 0,
      stranded: () => this.#isStranded,
      oncandidate: this.#oncandidate,
      onchange: () => this.#onrelays(),
      report: this.#options.report
    })
  }

  #onrelays(): void {
    const blind = this.#relays?.blind.map((key) => key.toString('hex')) ?? []
    // With a relay that is gone are gone the streams through it, which UDP is slow to notice.
    if (this.#blind.some((key) => !blind.includes(key))) this.#table.verify('relay')
    this.#blind = blind
    this.#swarm?.aid()
    this.#news.tell()
  }

  /** No peer, and our own way into the DHT is closed, or does not lead to those who are there (two symmetric NATs). */
  get #isStranded(): boolean {
    if (this.#table.peers.size > 0) return false
    return !this.#swarm?.up || (this.#swarm.met && performance.now() - this.#since > OWN_DIRECT_MS)
  }

  async #listen({ host, port }: HostPort): Promise<void> {
    this.#listener = await listenTcp({
      host,
      port,
      keyPair: this.#keyPair,
      route: 'tcp',
      gate: this.#gate,
      oncandidate: this.#oncandidate
    })
    this.listening = dialableAddresses(host, this.#listener.port)
  }

  #dial(address: HostPort): void {
    const dial = new Dial(address, {
      keyPair: this.#keyPair,
      route: 'tcp',
      delay: 0,
      covered: (publicKey) =>
        publicKey !== null && (publicKey.equals(this.#keyPair.publicKey) || this.#table.covers(publicKey, 'tcp')),
      oncandidate: this.#oncandidate,
      onfailure: ({ host, port }, error, failures) => {
        if (failures !== 1) return
        const message = `cannot reach ${formatHostPort(host, port)}: ${dialReason(error)}; trying until it answers`
        this.#options.report({ type: 'note', message })
      }
    })
    this.#dials.push(dial)
  }

  async #openLan(): Promise<void> {
    try {
      this.#lan = await Lan.open({
        topic: this.#options.topic,
        keyPair: this.#keyPair,
        interface: this.#options.lanInterface,
        covered: (id) => this.#coveredByLan(id),
        gate: this.#gate,
        oncandidate: this.#oncandidate,
        onchange: () => this.#news.tell()
      })
    } catch {
      // No socket to be had on the local network: `network.ready` says so, the other ways go on.
    }
  }

  #coveredByLan(id: string): boolean {
    for (const { publicKey } of this.#table.peers.values()) {
      if (instanceId(publicKey) === id) return this.#table.covers(publicKey, 'lan')
    }
    return false
  }

  /** A peer has no stream left: all ways to it are tried again at once. */
  #ongone(publicKey: Buffer, clean: boolean): void {
    for (const dial of this.#dials) dial.wake()
    this.#lan?.wake()
    this.#swarm?.lost(publicKey, clean)
    this.#relays?.wake()
  }

  /** After a sleep, or in another network: no connection can be trusted, and all ways are to be tried anew. */
  #startOver(): void {
    this.#table.verify()
    this.refresh()
  }
}
