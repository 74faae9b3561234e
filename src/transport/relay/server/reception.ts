import { Slots } from '../../../base/slots.js'
import type { ClientMessage } from '../protocol.js'
import { byteBudget } from './budget.js'
import { Guest, type House } from './guest.js'
import { FIRST_MESSAGE_MS, type RelayLimits } from './limits.js'
import { CLOSE, type Visitor } from './visitor.js'

/** Hears the first message of each socket, and lets in whom there is room for. */
export class Reception {
  readonly #house: House
  readonly #limits: RelayLimits
  readonly #guests: Slots

  constructor(house: House, limits: RelayLimits) {
    this.#house = house
    this.#limits = limits
    this.#guests = new Slots(limits.clients, limits.perAddress)
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
      const full = this.#guests.full
      const leave = this.#guests.take(visitor.group)
      if (leave) {
        settled()
        this.#admit(visitor, message, leave)
      } else {
        const why = full ? 'the relay is full' : 'there are too many clients from this address'
        visitor.say({ type: 'refused', message: why })
        visitor.close(CLOSE.later)
      }
    } else visitor.close(CLOSE.protocol, 'the first message says what the socket is for')
  }

  #admit(visitor: Visitor, { topic, key }: { topic: Buffer; key: Buffer }, leave: () => void): void {
    const guest = new Guest({
      topic,
      key,
      visitor,
      budget: byteBudget(this.#limits.clientRate),
      house: this.#house,
      onclose: leave
    })
    guest.enter()
  }
}
