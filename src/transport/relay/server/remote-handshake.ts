import type DHT from 'hyperdht'
import messages from 'hyperdht/lib/messages.js'

/** A step of the handshake as the client does it. */
export interface Answer {
  data: Buffer
  secret: Buffer | null
}

/** What hyperdht asks of a handshake (its lib/noise-wrap.js is the usual one). */
export interface Handshake {
  send(payload: unknown): Promise<Buffer>
  recv(message: Buffer): Promise<unknown>
  final(): { holepunchSecret: Buffer }
}

/**
 * The Noise handshake of a connection into the DHT, of which the relay knows the payloads alone: the messages are made
 * and read by the client, who has the keys. The secret that signs the hole punching comes from there, too.
 */
export class RemoteHandshake implements Handshake {
  readonly #ask: (step: 'send' | 'receive', data: Buffer) => Promise<Answer>
  #request: Promise<Buffer> | null = null
  #received = false
  #secret: Buffer | null = null

  /** @param ask has the client do a step; rejects when the client does not, or can't any more */
  constructor(ask: (step: 'send' | 'receive', data: Buffer) => Promise<Answer>) {
    this.#ask = ask
  }

  /** The first message, once it is there; null before anybody asked for it. */
  get request(): Promise<Buffer> | null {
    return this.#request
  }

  send(payload: unknown): Promise<Buffer> {
    if (!this.#request) {
      this.#request = this.#ask('send', encode(payload)).then(({ data }) => data)
      this.#request.catch(ignore)
    }
    return this.#request
  }

  /** hyperdht asks by several ways at once; the first answer counts. */
  async recv(message: Buffer): Promise<unknown> {
    if (this.#received) return null
    this.#received = true
    const { data, secret } = await this.#ask('receive', message)
    const payload = messages.noisePayload.decode({ start: 0, end: data.byteLength, buffer: data })
    this.#secret = secret
    return secret ? payload : null
  }

  final(): { holepunchSecret: Buffer } {
    if (!this.#secret) throw new Error('the handshake is not complete')
    return { holepunchSecret: this.#secret }
  }
}

function encode(payload: unknown): Buffer {
  const state: { start: number; end: number; buffer: Buffer | null } = { start: 0, end: 0, buffer: null }
  messages.noisePayload.preencode(state, payload)
  state.buffer = Buffer.alloc(state.end)
  messages.noisePayload.encode(state, payload)
  return state.buffer
}

/**
 * The DHT as one connection sees it. hyperdht takes for granted that the first message of the handshake is there at
 * once: while it waits for that, a second way to the peer would be tried without it, and hold the connection up.
 */
export function waitingForRequest(dht: DHT, handshake: RemoteHandshake): DHT {
  const router = new Proxy((dht as unknown as { _router: Router })._router, {
    get(target, name) {
      if (name !== 'peerHandshake') return Reflect.get(target, name)
      return async (peer: unknown, options: { noise: Buffer | null }, to: unknown) => {
        const noise = options.noise ?? (await handshake.request)
        return target.peerHandshake(peer, { ...options, noise }, to)
      }
    }
  })
  return new Proxy(dht, {
    get: (target, name, self) => (name === '_router' ? router : Reflect.get(target, name, self))
  })
}

function ignore(): void {}

interface Router {
  peerHandshake(peer: unknown, options: { noise: Buffer | null }, to: unknown): Promise<unknown>
}
