import type { DatEvent } from '../../base/events.js'
import { printable } from '../../base/terminal-text.js'
import { type CheckItem, Checklist } from './checklist.js'
import { type Explained, errorLines } from './error.js'
import { messages } from './messages.js'
import type { Output } from './output.js'
import { type Paint, PLAIN_PAINT } from './paint.js'
import { isPairEvent, pairText } from './pair.js'
import { qrCode } from './qr.js'
import { plannedLine } from './table.js'
import type { Row, Ui, Work } from './ui.js'
import { type VerdictEvent, verdictText } from './verdict.js'
import { apply, createView, type View } from './view.js'

export interface TextStyle {
  paint: Paint
  debug: boolean
  quiet: boolean
  unicode: boolean
}

/** What plain output and the terminal display have in common: results on stdout, everything else on stderr. */
export abstract class TextUi implements Ui {
  protected readonly out: Output
  protected readonly err: Output
  protected readonly style: TextStyle
  protected readonly now: () => number
  protected view: View | null = null
  /** A checklist is redrawn in place. */
  protected readonly live: boolean = false
  #checklist: Checklist | null = null

  constructor(out: Output, err: Output, style: TextStyle, now: () => number = Date.now) {
    this.out = out
    this.err = err
    this.style = style
    this.now = now
  }

  begin(work: Work, options: { timeout: number | null }): void {
    this.view = createView(work, options, this.now())
    this.started()
  }

  checklist(items: readonly CheckItem[]): void {
    if (!this.style.quiet) this.#checklist = new Checklist(this.err, items, this.style, this.live)
  }

  event(event: DatEvent): void {
    if (event.type === 'probe') this.#checklist?.done(event)
    if (event.type === 'verdict') this.#verdict(event)
    if (isPairEvent(event)) this.#result(pairText(event, this.#resultPaint, this.out.width))
    const view = this.view
    if (!view) return
    apply(view, event)
    // The bare link is the result of a share, and comes before anything else.
    const link = event.type === 'link' && view.work !== 'clone' ? event.link : null
    if (link !== null) this.besides(() => this.out.post(`${printable(link)}\n`))
    if (event.type === 'file.planned') void this.row(event, plannedLine(event))
    if (event.type === 'note') {
      if (this.style.debug || event.important) this.info(this.style.paint.dim(`note: ${printable(event.message)}`))
      return
    }
    const mark = this.style.unicode ? this.style.paint.green('✓') : 'ok:'
    for (const line of messages(event, view, mark)) this.info(line)
    this.changed(event, view)
  }

  #verdict(event: VerdictEvent): void {
    this.#result(verdictText(event, this.#resultPaint, this.out.width))
  }

  /** Colours only where stdout is the terminal, too. */
  get #resultPaint(): Paint {
    return this.out.isTerminal ? this.style.paint : PLAIN_PAINT
  }

  #result(text: string | null): void {
    if (text !== null) this.out.post(`${text}\n`)
  }

  row(_object: Row, text: string | null): Promise<boolean> {
    this.beforeResult()
    return text === null ? Promise.resolve(!this.out.gone) : this.out.write(`${text}\n`)
  }

  info(text: string): void {
    if (!this.style.quiet) this.line(text)
  }

  qr(link: string): void {
    const screen = [this.err, this.out].find(({ isTerminal }) => isTerminal)
    if (!screen) return
    const code = qrCode(link, screen.width)
    if (code === null) this.info('note: the window is too narrow for a QR code of this link')
    else if (screen === this.err) this.line(code)
    else this.besides(() => this.out.post(`${code}\n`))
  }

  fail(error: Explained): void {
    this.close()
    // To stop a share by Ctrl-C is its normal end, and no news for who asked for quiet.
    if (error.code === 'INTERRUPTED' && this.style.quiet) return
    for (const line of errorLines(error, this.style.paint)) this.err.post(`${this.fold(line)}\n`)
  }

  /** A line as it stands on the screen. */
  protected fold(line: string): string {
    return line
  }

  abstract close(): void

  /** Called when the work began. */
  protected abstract started(): void
  /** Called after an event was taken into the view. */
  protected abstract changed(event: DatEvent, view: View): void
  /** Called before the first result goes to stdout, which may be the same screen: progress is over. */
  protected abstract beforeResult(): void
  /** Writes on stdout while progress goes on. */
  protected abstract besides(write: () => void): void
  /** Writes one line on stderr that stays. */
  protected abstract line(text: string): void
}
