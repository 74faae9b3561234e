import { randomBytes } from 'node:crypto'
import type { ClientMessage, RelayMessage } from '../protocol.js'
import type { DhtBridge } from './bridge.js'
import { Budget } from './budget.js'
import type { Circuits } from './circuits.js'
import { TEXT_BURST, TEXT_RATE } from './limits.js'
import type { Circuit, Member } from './party.js'
import type { Rooms } from './rooms.js'
import { CLOSE, type Visitor, type VisitorHandler } from './visitor.js'

/** What a relay offers its clients. */
export interface House {
  readonly rooms: Rooms
  readonly circuits: Circuits
  /** null without a DHT. */
  readonly bridge: DhtBridge | null
}

export interface GuestOptions {
  topic: Buffer
  key: Buffer
  visitor: Visitor
  budget: Budget
  house: House
  onclose: () => void
}

/** A client that has joined a topic: one control socket. */
export class Guest implements Member, VisitorHandler {
  readonly id = randomBytes(8).toString('hex')
  readonly topic: Buffer
  readonly key: Buffer
  readonly budget: Budget
  readonly circuits = new Set<Circuit>()
  readonly #visitor: Visitor
  readonly #house: House
  readonly #onclose: () => void
  readonly #texts = new Budget(TEXT_RATE, TEXT_BURST)

  constructor(options: GuestOptions) {
    this.topic = options.topic
    this.key = options.key
    this.budget = options.budget
    this.#visitor = options.visitor
    this.#house = options.house
    this.#onclose = options.onclose
    options.visitor.handle(this)
  }

  /** Lets it in. */
  enter(): void {
    const { circuits, bridge, rooms } = this.#house
    this.say({ type: 'joined', lanes: circuits.lanes, dht: bridge !== null, blind: bridge?.blindKey ?? null })
    rooms.join(this)
  }

  say(message: RelayMessage): void {
    this.#visitor.say(message)
  }

  onbinary(): void {
    this.#visitor.close(CLOSE.protocol, 'a control socket carries text')
  }

  onclose(): void {
    const { circuits, bridge, rooms } = this.#house
    rooms.leave(this)
    bridge?.leave(this)
    circuits.leave(this)
    this.#onclose()
  }

  onmessage(message: ClientMessage): void {
    if (this.#texts.spend(1) > 0) {
      this.#visitor.close(CLOSE.policy, 'too many messages')
      return
    }
    const { circuits, bridge } = this.#house
    switch (message.type) {
      case 'connect':
        this.#connect(message.id)
        break
      case 'drop':
        circuits.find(this, message.circuit)?.close('it is not wanted any more')
        break
      case 'look':
        bridge?.look(this)
        break
      case 'dial':
        if (bridge) bridge.dial(this, message.key)
        else this.#fail(message.key, 'this relay does not use the DHT')
        break
      case 'noise':
        bridge?.answer(this, message)
        break
      case 'join':
      case 'lane':
        this.#visitor.close(CLOSE.protocol, 'this socket has joined already')
    }
  }

  #connect(id: string): void {
    const other = this.#house.rooms.find(this, id)
    // Who has just left is missing in the next list of members, which is on its way.
    if (other) this.#house.circuits.connect(this, other)
  }

  #fail(key: Buffer, message: string): void {
    this.say({ type: 'failed', key, circuit: null, message })
  }
}
