import { isIPv4 } from 'node:net'
import multicastDns, { type MulticastDns, type Packet, type Sender } from 'multicast-dns'
import {
  type Interface,
  interfacesToUse,
  isFromLink,
  MDNS_PORT,
  type OpenSocket,
  openSocket
} from './multicast-socket.js'

/** How often to look for interfaces that came or went; Node.js does not tell. */
const RESCAN_MS = 5000
const GOODBYE_MS = 200

export interface MulticastOptions {
  /** The address of the one interface to use, or null for all. */
  interface: string | null
  onquery: (packet: Packet, from: Sender, member: Member) => void
  onresponse: (packet: Packet, from: Sender) => void
  /** A new interface is ready. */
  onmember: (member: Member) => void
  /** Multicast works on at least one interface, or no longer on any. */
  onchange: (up: boolean) => void
}

/** Multicast DNS on one interface. */
export interface Member {
  query(packet: Packet): void
  /** To everyone on the link, or to one that asked from another port than 5353. */
  respond(packet: Packet, to: Sender | null): Promise<void>
}

/**
 * Multicast DNS on each interface of this machine. One socket for each, because a socket sends through one interface
 * only, and because one that fails must not take the others along. Nothing that happens here ends the process.
 */
export class Multicast {
  readonly #options: MulticastOptions
  readonly #members = new Map<string, InterfaceMember>()
  readonly #timer: NodeJS.Timeout
  #up = false
  #closed = false
  #scanning: Promise<void> | null = null

  private constructor(options: MulticastOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.rescan(), RESCAN_MS)
    this.#timer.unref()
  }

  /** Resolves when the sockets of today's interfaces are bound. */
  static async open(options: MulticastOptions): Promise<Multicast> {
    const multicast = new Multicast(options)
    await multicast.rescan()
    return multicast
  }

  /** True when packets can be sent and received on at least one interface. */
  get up(): boolean {
    return this.#up
  }

  get members(): Member[] {
    return [...this.#members.values()]
  }

  /** Looks for interfaces that came or went. */
  rescan(): Promise<void> {
    this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = null
    })
    return this.#scanning
  }

  async #scan(): Promise<void> {
    const wanted = interfacesToUse(this.#options.interface)
    for (const [key, member] of this.#members) {
      if (member.broken || !wanted.some((one) => keyOf(one) === key)) {
        this.#members.delete(key)
        member.close()
      }
    }
    await Promise.all(
      wanted
        .filter((one) => !this.#members.has(keyOf(one)))
        .map(async (one) => {
          const socket = await openSocket(one)
          if (!socket) return
          if (this.#closed) return void socket.close()
          const member = new InterfaceMember(one, socket, this.#options, (from) => this.#accepts(one, from))
          this.#members.set(keyOf(one), member)
          this.#options.onmember(member)
        })
    )
    this.#settle()
  }

  /**
   * On Linux each socket hears the packets of all interfaces, so the sender's address tells which socket is meant.
   * Bound to one interface, nothing that comes from elsewhere counts, even when another program made this machine
   * listen there.
   */
  #accepts(one: Interface, from: string): boolean {
    if (isFromLink(one, from)) return true
    // An IPv6 sender names its link; an IPv4 one may have an address that fits to none, by mistake or by design.
    if (this.#options.interface !== null || !isIPv4(from) || !isIPv4(one.address)) return false
    return ![...this.#members.values()].some((member) => isFromLink(member.interface, from))
  }

  #settle(): void {
    if (this.#closed) return
    const up = [...this.#members.values()].some((member) => member.hears && !member.broken)
    if (up === this.#up) return
    this.#up = up
    this.#options.onchange(up)
  }

  /** Says goodbye on every interface, and closes. */
  async close(goodbye: Packet | null): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    const members = [...this.#members.values()]
    if (goodbye) {
      const late = new Promise<void>((resolve) => setTimeout(resolve, GOODBYE_MS).unref())
      await Promise.race([Promise.all(members.map((member) => member.respond(goodbye, null))), late])
    }
    for (const member of members) member.close()
    this.#members.clear()
  }
}

/** A change of the address or of the network around it makes another member. */
function keyOf({ address, cidr }: Interface): string {
  return `${address} ${cidr}`
}

class InterfaceMember implements Member {
  readonly interface: Interface
  readonly hears: boolean
  broken = false
  readonly #dns: MulticastDns

  constructor(one: Interface, opened: OpenSocket, options: MulticastOptions, accepts: (from: string) => boolean) {
    this.interface = one
    this.hears = opened.hears
    this.#dns = multicastDns({
      socket: opened.socket,
      bind: false,
      multicast: false,
      port: MDNS_PORT,
      ip: one.group,
      interface: one.address
    })
    this.#dns.on('error', () => {
      this.broken = true
    })
    // Malformed packets, and errors of the socket that pass.
    this.#dns.on('warning', () => {})
    this.#dns.on('query', (packet, from) => {
      if (accepts(from.address)) options.onquery(packet, from, this)
    })
    this.#dns.on('response', (packet, from) => {
      if (accepts(from.address)) options.onresponse(packet, from)
    })
  }

  query(packet: Packet): void {
    this.#try((done) => this.#dns.query(packet, null, done))
  }

  respond(packet: Packet, to: Sender | null): Promise<void> {
    return new Promise((resolve) => {
      this.#try((done) => this.#dns.respond({ ...packet }, to, done), resolve)
    })
  }

  close(): void {
    try {
      this.#dns.destroy()
    } catch {
      // The socket was closed by an error before.
    }
  }

  /** An interface that went away fails with ENETUNREACH, ENODEV or EADDRNOTAVAIL: the next scan opens it anew. */
  #try(send: (done: (error?: Error | null) => void) => void, then?: () => void): void {
    const done = (error?: Error | null) => {
      if (error) this.broken = true
      then?.()
    }
    try {
      send(done)
    } catch (error) {
      done(error as Error)
    }
  }
}
