import type { DatEvent } from '../../base/events.js'
import { printable } from '../../base/terminal-text.js'
import { shortened } from '../../diagnostics/redact.js'
import { type Explained, errorLines } from './error.js'
import type { Output } from './output.js'
import { PLAIN_PAINT } from './paint.js'
import { PlainUi } from './plain.js'

/** How often a log gets the state, if it is another one, in ms. */
const LOG_INTERVAL = 60_000

/**
 * For a share in the background: plain lines, each with its time. No link gets into a log: who may read the one may not
 * be who may read the other.
 */
export class LogUi extends PlainUi {
  protected override readonly interval: number = LOG_INTERVAL
  readonly #errors: Output | null

  /** @param errors where errors go as well: what systemd shows of a service */
  constructor(log: Output, options: { debug: boolean; errors: Output | null }) {
    const style = { paint: PLAIN_PAINT, debug: options.debug, quiet: false, unicode: true }
    super(log, log, style)
    this.#errors = options.errors
  }

  override event(event: DatEvent): void {
    if (event.type === 'link') this.info(`sharing ${printable(event.dir)} (process ${process.pid})`)
    else super.event(event)
  }

  /** It is the link in another form. */
  override qr(): void {}

  override fail(error: Explained): void {
    this.close()
    for (const line of errorLines(error, PLAIN_PAINT)) {
      this.line(line)
      if (error.code !== 'INTERRUPTED') this.#errors?.post(`${shortened(line)}\n`)
    }
  }

  protected override line(text: string): void {
    this.err.post(`${new Date(this.now()).toISOString()} ${shortened(text)}\n`)
  }
}
