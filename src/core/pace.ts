import c from 'compact-encoding'
import Protomux, { type Message } from 'protomux'
import { bytesHeard, isUdx } from '../transport/streams.js'
import type { Network, Peer } from '../transport/transport.js'

/**
 * UDX has no way to stop a sender, and what it has sent must be taken. So who limits what it receives asks the other
 * end to send no faster, on a Protomux channel of its own; another program does not know it, and is slowed down by
 * fewer requests alone.
 */
export const PACE_PROTOCOL = 'dat/pace/1'
const LOOK_MS = 1000
/** Less than this in one look is keep-alives and the like. */
const ACTIVE_BYTES = 2048

interface Open {
  message: Message<number>
  /** Bytes that had arrived at the last look. */
  heard: number
  active: boolean
  /** What was asked for, in bytes per second. */
  asked: number
}

/** Asks peers to share what may come down, and does as they ask. */
export class PaceChannels {
  readonly #limit: number | null
  readonly #pace: Network['pace']
  readonly #open = new Map<Peer, Open>()
  readonly #timer: NodeJS.Timeout | undefined

  /** @param limit what may come down from all peers together, in bytes per second; null for no limit */
  constructor(limit: number | null, pace: Network['pace']) {
    this.#limit = limit
    this.#pace = pace
    if (limit === null) return
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
    this.#timer.unref()
  }

  add(peer: Peer): void {
    const channel = Protomux.from(peer.stream).createChannel({
      protocol: PACE_PROTOCOL,
      onopen: () => this.#share(),
      onclose: () => this.#open.delete(peer)
    })
    if (!channel) return
    const message = channel.addMessage<number>({
      encoding: c.uint,
      // Whatever a peer asks for concerns what it gets itself. 0 takes the limit back.
      onmessage: (rate) => this.#pace(peer.stream, rate === 0 ? null : rate)
    })
    this.#open.set(peer, { message, heard: bytesHeard(peer.stream), active: true, asked: 0 })
    channel.open()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    for (const [peer, open] of this.#open) {
      const heard = bytesHeard(peer.stream)
      open.active = heard - open.heard > ACTIVE_BYTES
      open.heard = heard
    }
    this.#share()
  }

  /** Those who send share the limit; one that begins to is counted from the next look on. */
  #share(): void {
    if (this.#limit === null) return
    const all = [...this.#open]
    const active = all.filter(([, open]) => open.active).length
    for (const [peer, open] of all) {
      // TCP holds the sender by itself.
      if (!isUdx(peer.stream)) continue
      const rate = Math.max(1, Math.floor(this.#limit / (active + (open.active ? 0 : 1))))
      if (rate === open.asked) continue
      open.asked = rate
      open.message.send(rate)
    }
  }
}
