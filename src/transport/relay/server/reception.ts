import type { ClientMessage } from '../protocol.js'
import { byteBudget } from './budget.js'
import { Guest, type House } from './guest.js'
import { FIRST_MESSAGE_MS, type RelayLimits } from './limits.js'
import { Tally } from './strangers.js'
import { CLOSE, type Visitor } from './visitor.js'

/** Hears the first message of each socket, and lets in whom there is room for. */
export class Reception {
  readonly #house: House
  readonly #limits: RelayLimits
  readonly #guests = new Tally()

  constructor(house: House, limits: RelayLimits) {
    this.#house = house
    this.#limits = limits
  }

  get clients(): number {
    return this.#guests.total
  }

  /** @param settled to be called when the socket is none of a stranger any more */
  receive(visitor: Visitor, settled: () => void): void {
    const timer = setTimeout(() => visitor.close(CLOSE.policy, 'the first message did not come'), FIRST_MESSAGE_MS)
    visitor.handle({
      onmessage: (message) => {
        clearTimeout(timer)
        this.#first(visitor, message, settled)
      },
      onbinary: () => visitor.close(CLOSE.protocol, 'the first message is text'),
      onclose: () => clearTimeout(timer)
    })
  }

  #first(visitor: Visitor, message: ClientMessage, settled: () => void): void {
    if (message.type === 'lane') {
      if (!this.#house.circuits.attach(visitor, message.circuit, message.lane)) {
        visitor.close(CLOSE.policy, 'there is no such circuit')
      } else settled()
    } else if (message.type === 'join') {
      const refusal = this.#refusal(visitor.group)
      if (refusal === null) {
        settled()
        this.#admit(visitor, message)
      } else {
        visitor.say({ type: 'refused', message: refusal })
        visitor.close(CLOSE.later)
      }
    } else visitor.close(CLOSE.protocol, 'the first message says what the socket is for')
  }

  #refusal(group: string): string | null {
    if (this.#guests.total >= this.#limits.clients) return 'the relay is full'
    if (this.#guests.of(group) >= this.#limits.perAddress) return 'there are too many clients from this address'
    return null
  }

  #admit(visitor: Visitor, { topic, key }: { topic: Buffer; key: Buffer }): void {
    this.#guests.add(visitor.group)
    const guest = new Guest({
      topic,
      key,
      visitor,
      budget: byteBudget(this.#limits.clientRate),
      house: this.#house,
      onclose: () => this.#guests.remove(visitor.group)
    })
    guest.enter()
  }
}
