import type { DatEvent } from '../../base/events.js'
import { printable } from '../../base/terminal-text.js'
import { statusLine } from './messages.js'
import { TextUi } from './text.js'
import type { View } from './view.js'

/** How often a log that nobody may be looking at gets a line, in ms. */
export const PLAIN_INTERVAL = 10_000

/** For pipes, log files and `--quiet`: a line at most every ten seconds, plus the ones that matter by themselves. */
export class PlainUi extends TextUi {
  protected readonly interval: number = PLAIN_INTERVAL
  #timer: NodeJS.Timeout | null = null
  #last = ''

  protected started(): void {
    if (this.style.quiet) return
    this.#timer ??= setInterval(() => this.tick(), this.interval)
    // The work keeps the process alive, never its display.
    this.#timer.unref()
  }

  /** Writes the state, unless it is the same as last time. */
  tick(): void {
    if (!this.view) return
    const line = statusLine(this.view, this.now())
    if (line === '' || line === this.#last) return
    this.#last = line
    this.line(line)
  }

  protected changed(event: DatEvent, view: View): void {
    if (event.type === 'peer.connected') {
      this.info(`connected to ${printable(event.peer)} (${event.route}, ${printable(event.address)})`)
    } else if (event.type === 'peer.disconnected' && !view.done) {
      this.info(`connection to ${printable(event.peer)} ended (${event.route})`)
    }
  }

  protected beforeResult(): void {}

  protected besides(write: () => void): void {
    write()
  }

  protected line(text: string): void {
    this.err.post(`${text}\n`)
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }
}
