import type { Report } from '../base/events.js'
import { closeGently } from '../transport/streams.js'
import type { NoiseStream } from '../transport/transport.js'
import { InviteChannel } from './invite-channel.js'
import { type InviteJournal, refusalOf } from './invite-journal.js'

/** How often it is looked whether invites are over, by which somebody is served now. */
const LOOK_MS = 1000

/** Who is served on a stream, by what right. Both in hex. */
export interface Guest {
  invite: string
  redeemer: string
}

/** Those who are served as long as their invites count: when one is over, they are told why, and their streams end. */
export class GuestList {
  readonly #journal: InviteJournal
  readonly #report: Report
  readonly #guests = new Map<NoiseStream, Guest>()
  #timer: NodeJS.Timeout | undefined
  #looking = false

  constructor(journal: InviteJournal, report: Report) {
    this.#journal = journal
    this.#report = report
  }

  add(stream: NoiseStream, guest: Guest): void {
    if (stream.destroyed) return
    this.#guests.set(stream, guest)
    stream.once('close', () => {
      this.#guests.delete(stream)
      if (this.#guests.size === 0) this.close()
    })
    // A date and what is written by `dat invite --revoke` are found by the same look, which costs a stat.
    this.#timer ??= setInterval(() => void this.#look(), LOOK_MS)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      const invites = await this.#journal.read()
      for (const [stream, { invite: id, redeemer }] of this.#guests) {
        const invite = invites.get(id)
        // An invite that nobody knows any more is one that nobody can take back.
        const why = invite ? refusalOf(invite, redeemer, Date.now(), { again: true, strict: true }) : 'revoked'
        if (!why) continue
        this.#guests.delete(stream)
        InviteChannel.of(stream).tell({ type: 'over', why, date: why === 'expired' ? (invite?.expires ?? null) : null })
        void closeGently(stream)
      }
    } catch (error) {
      // Who cannot be checked is not served; it may ask again on the next stream.
      const reason = error instanceof Error ? error.message : String(error)
      this.#report({ type: 'note', message: `invites cannot be looked at: ${reason}`, important: true })
      for (const stream of [...this.#guests.keys()]) stream.destroy(new Error('its invite cannot be looked at'))
    } finally {
      this.#looking = false
    }
  }
}
