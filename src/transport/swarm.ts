import DHT from 'hyperdht'
import Hyperswarm, { type PeerDiscoverySession } from 'hyperswarm'
import { Alarm } from './alarm.js'
import { Backoff } from './backoff.js'
import { BlindRelays } from './blind-relays.js'
import { awaitNodes, publicNodes, resolveNodes } from './bootstrap.js'
import { DhtNode } from './dht-node.js'
import { formatHostPort, isLoopback } from './host-port.js'
import type { DhtEvidence } from './outlook.js'
import { guessPortsFaster } from './port-guessing.js'
import { Redials } from './redials.js'
import { endWhenSilent, firstData, isLive } from './streams.js'
import type { Candidate, HostPort, KeyPair, NoiseStream } from './transport.js'

const FIRST_DATA_MS = 10_000
const SILENCE_MS = 20_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
/** Without a peer the DHT is asked every 15 s for so long, then every minute: it is other people's network. */
const EAGER_MS = 5 * 60_000
const PATIENT_WAIT_MS = 60_000
/** What a goodbye to the DHT may take. */
const FAREWELL_MS = 400
/** Random punches of a sharer behind a symmetric NAT: hyperdht's 20 s make the second clone fail. */
const PUNCH_INTERVAL_MS = 500

export interface SwarmOptions {
  topic: Buffer
  keyPair: KeyPair
  /** Nodes of a private DHT; null for the public one. */
  bootstrap: HostPort[] | null
  /** Keys of blind relays, the best first: they carry UDP where no hole can be punched. */
  blind: () => readonly Buffer[]
  /** @see DhtNodeOptions */
  punch?: (() => boolean) | undefined
  /** False while a peer needs no connection by the DHT, because it has a better one. */
  wants: (publicKey: Buffer) => boolean
  /** True while there is no peer, or none with a good connection. */
  lonely: () => boolean
  oncandidate: (candidate: Candidate) => void
  /** A stream that was handed on goes another way now. */
  onmoved: (candidate: Candidate) => void
  /** DHT nodes have answered, for the first time. */
  onup: () => void
}

/**
 * Finds peers by a distributed hash table and connects to them through NATs (Hyperswarm over HyperDHT). Starts in the
 * background: nothing waits for the DHT. Hyperswarm gives a peer up after about a minute, so what was found once is
 * dialled again from here.
 */
export class Swarm {
  readonly #options: SwarmOptions
  readonly #alarm = new Alarm()
  readonly #backoff = new Backoff(FIRST_WAIT_MS, LONGEST_WAIT_MS)
  readonly #redials: Redials
  readonly #blind: BlindRelays
  #eagerUntil = performance.now() + EAGER_MS
  #swarm: Hyperswarm | null = null
  #node: DhtNode | null = null
  #up = false
  #emptyLookups = 0

  constructor(options: SwarmOptions) {
    this.#options = options
    this.#blind = new BlindRelays(options.blind)
    this.#redials = new Redials({
      wants: options.wants,
      // Leaving and joining again makes Hyperswarm forget the attempts that it counted against the peer.
      dial: (publicKey) => {
        this.#swarm?.leavePeer(publicKey)
        this.#swarm?.joinPeer(publicKey)
      },
      ongiveup: (publicKey) => this.#swarm?.leavePeer(publicKey)
    })
    // A DHT that cannot even start (no UDP sockets at all) is one that never answers: `up` stays false.
    void this.#start().catch(ignore)
  }

  /** True once DHT nodes really answered. */
  get up(): boolean {
    return this.#up
  }

  /** True while somebody is announced whom we may be trying to connect to, or are connected to. */
  get met(): boolean {
    return (this.#swarm?.peers.size ?? 0) > 0
  }

  /** What the DHT has shown so far. */
  get evidence(): DhtEvidence {
    return { answered: this.#up, emptyLookups: this.#emptyLookups }
  }

  /** Dials a peer again that has no stream left, if it was met here. `clean`: it left in good order. */
  lost(publicKey: Buffer, clean: boolean): void {
    this.#eager()
    this.#redials.lost(publicKey, clean)
  }

  /** Blind relays have become known: dials that have none are made anew where one is needed. */
  aid(): void {
    const node = this.#node
    if (!node || this.#alarm.closed || !this.#blind.choose(node, false)) return
    for (const [stream, publicKey] of node.unaided) {
      if (!isLive(stream)) continue
      stream.once('close', () => queueMicrotask(() => this.#dialOnce(publicKey)))
      stream.destroy(new Error('dialled again with a relay'))
    }
  }

  /** Asks the DHT and dials everyone again, now. */
  refresh(): void {
    this.#swarm?.server.refresh()
    this.#redials.wake()
    this.#eager()
  }

  async close(): Promise<void> {
    this.#alarm.close()
    this.#redials.close()
    const swarm = this.#swarm
    if (!swarm) return
    for (const stream of swarm.connections) stream.destroy()
    const gone = swarm.destroy().catch(ignore)
    // Without a DHT that answers the farewell would wait for its time-outs.
    if (this.#up) await Promise.race([gone, pause(FAREWELL_MS)])
    const forced = swarm.dht.destroy({ force: true }).catch(ignore)
    await Promise.race([forced, pause(FAREWELL_MS / 2)])
  }

  async #start(): Promise<void> {
    const common = publicNodes(DHT.BOOTSTRAP)
    const nodes = this.#options.bootstrap ? await awaitNodes(this.#options.bootstrap, this.#alarm) : common.addresses
    if (this.#alarm.closed) return
    guessPortsFaster()
    const dht: DhtNode = new DhtNode({
      punch: this.#options.punch,
      relay: () => this.#blind.choose(dht, true),
      onrelayable: (publicKey) => this.#dialOnce(publicKey),
      randomPunchInterval: PUNCH_INTERVAL_MS,
      bootstrap: nodes,
      // With the default, 0.0.0.0, two processes on one machine need 13 s to find each other in a local DHT.
      ...(nodes.length > 0 && nodes.every(({ host }) => isLoopback(host)) && { host: '127.0.0.1' })
    })
    if (!this.#options.bootstrap) void this.#addMoved(dht, common.names, nodes)
    const check = () => this.#checkUp(dht)
    dht.on('add-node', check)
    dht.on('nat-update', check)
    const swarm = new Hyperswarm({
      dht,
      keyPair: this.#options.keyPair,
      relayThrough: (force) => this.#blind.choose(dht, force === true),
      // With null it asks about a peer that it is about to dial. Those who dial us are let in: they may have lost the
      // connection that we still believe in.
      firewall: (publicKey, payload) => payload === null && !this.#options.wants(publicKey)
    })
    // Refusing to dial bans a peer for good; it is meant for now.
    swarm.on('ban', (info) => info.ban(false))
    swarm.on('update', () => {
      if (swarm.peers.size > 0) this.#emptyLookups = 0
    })
    swarm.on('connection', (stream, info) => {
      info.reconnect(false)
      void this.#onconnection(stream)
    })
    this.#node = dht
    this.#swarm = swarm
    void this.#lookAgain(swarm.join(this.#options.topic, { server: true, client: true }), swarm)
  }

  /** Public nodes that have another address by now than when hyperdht was released. */
  async #addMoved(dht: DHT, names: readonly HostPort[], known: readonly HostPort[]): Promise<void> {
    for (const { host, port } of await resolveNodes(names)) {
      if (!dht.destroyed && !known.some((node) => node.host === host)) dht.addNode({ host, port })
    }
  }

  /** hyperdht calls itself ready and online without any network; what counts is that a node has answered. */
  #checkUp(dht: DHT): void {
    this.aid()
    if (this.#up || this.#alarm.closed || dht.stats.requests.responses === 0) return
    this.#up = true
    this.#options.onup()
    // The first announcement may have failed for want of a network.
    this.#alarm.ring()
  }

  async #onconnection(stream: NoiseStream): Promise<void> {
    stream.on('error', ignore)
    const came = await firstData(stream, FIRST_DATA_MS)
    if (this.#alarm.closed) {
      stream.destroy()
      return
    }
    this.#redials.found(stream.remotePublicKey)
    if (!came) {
      stream.destroy()
      // The other end may have dropped it for a dial of its own, which may come to nothing.
      this.#redials.lost(stream.remotePublicKey, true)
      return
    }
    endWhenSilent(stream, SILENCE_MS)
    this.#blind.watch(stream, this.#node, () => this.#options.onmoved(this.#candidate(stream)))
    this.#options.oncandidate(this.#candidate(stream))
  }

  #candidate(stream: NoiseStream): Candidate {
    const { remoteHost, remotePort } = stream.rawStream as { remoteHost?: string; remotePort?: number }
    const address = formatHostPort(remoteHost ?? 'unknown', remotePort ?? 0)
    return { stream, route: this.#node?.relayOf(stream) ? 'relay' : 'direct', address }
  }

  /** Dials a peer that was announced, outside of Hyperswarm's own waits. */
  #dialOnce(publicKey: Buffer): void {
    if (this.#alarm.closed) return
    this.#swarm?.joinPeer(publicKey)
    if (!this.#redials.has(publicKey)) this.#swarm?.leavePeer(publicKey)
  }

  #eager(): void {
    this.#eagerUntil = performance.now() + EAGER_MS
    this.#backoff.reset()
    this.#alarm.ring()
  }

  /** Looks for peers again while there are none, or while the DHT has not answered. */
  async #lookAgain(discovery: PeerDiscoverySession, swarm: Hyperswarm): Promise<void> {
    let answered = this.#up
    while (!this.#alarm.closed) {
      const eager = performance.now() < this.#eagerUntil
      const alone = this.#options.lonely() || !this.#up
      await this.#alarm.sleep(eager && alone ? this.#backoff.next() : PATIENT_WAIT_MS)
      if (this.#alarm.closed) return
      if (this.#up && !answered) {
        answered = true
        swarm.server.refresh()
      }
      if (this.#options.lonely() || !this.#up) this.#looked(await discovery.refresh().catch(() => false), swarm)
    }
  }

  /** @param completed false when the lookup did not come to an end, for want of answers */
  #looked(completed: boolean, swarm: Hyperswarm): void {
    // Who was announced is remembered by Hyperswarm for as long as it tries to connect; nobody means nobody but us.
    if (swarm.peers.size > 0) this.#emptyLookups = 0
    else if (completed !== false && this.#up) this.#emptyLookups++
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function ignore(): void {}
