import { MAX_MEMBERS, type RelayMessage } from '../protocol.js'
import type { Member } from './party.js'

/** Joins and leaves are told at once, then at most so often: who comes and goes all the time tires nobody out. */
const TELL_MS = 50

interface Room {
  /** By id, in the order in which they came. */
  guests: Map<string, Member>
  timer: NodeJS.Timeout | undefined
  changed: boolean
}

/** Who looks for what: clients by their topic. */
export class Rooms {
  readonly #rooms = new Map<string, Room>()

  join(guest: Member): void {
    const topic = guest.topic.toString('hex')
    const room = this.#rooms.get(topic) ?? { guests: new Map(), timer: undefined, changed: false }
    this.#rooms.set(topic, room)
    room.guests.set(guest.id, guest)
    tell(room, guest)
    this.#changed(room, guest)
  }

  leave(guest: Member): void {
    const topic = guest.topic.toString('hex')
    const room = this.#rooms.get(topic)
    if (!room?.guests.delete(guest.id)) return
    if (room.guests.size > 0) this.#changed(room, null)
    else {
      clearTimeout(room.timer)
      this.#rooms.delete(topic)
    }
  }

  /** Another member of the same topic. */
  find(guest: Member, id: string): Member | null {
    const found = this.#rooms.get(guest.topic.toString('hex'))?.guests.get(id)
    return found && found !== guest ? found : null
  }

  /** Tells everyone who is here, whatever they look for. */
  tellAll(message: RelayMessage): void {
    for (const { guests } of this.#rooms.values()) for (const guest of guests.values()) guest.say(message)
  }

  close(): void {
    for (const { timer } of this.#rooms.values()) clearTimeout(timer)
    this.#rooms.clear()
  }

  /** @param informed knows already */
  #changed(room: Room, informed: Member | null): void {
    if (room.timer) {
      room.changed = true
      return
    }
    for (const guest of room.guests.values()) if (guest !== informed) tell(room, guest)
    room.timer = setTimeout(() => {
      room.timer = undefined
      if (!room.changed) return
      room.changed = false
      this.#changed(room, null)
    }, TELL_MS)
  }
}

function tell(room: Room, guest: Member): void {
  const others = [...room.guests.values()].filter(({ key }) => !key.equals(guest.key))
  // Of a crowd, those who came first, among whom is who shares, and those who came last.
  const half = MAX_MEMBERS / 2
  const some = others.length <= MAX_MEMBERS ? others : [...others.slice(0, half), ...others.slice(-half)]
  guest.say({ type: 'members', members: some.map(({ id, key }) => ({ id, key })) })
}
