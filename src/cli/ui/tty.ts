import { stripVTControlCharacters } from 'node:util'
import cliProgress, { type MultiBar, type Options, type Params } from 'cli-progress'
import type { DatEvent } from '../../base/events.js'
import { wrap } from '../../base/wrap.js'
import { type BarLine, frame } from './frame.js'
import { TextUi } from './text.js'
import type { View } from './view.js'

/** Redraws per second: enough to look alive, little enough for a slow ssh line. */
const FPS = 8
const BAR_CAPACITY = 40
/** What a terminal does with a line that is longer than it is wide (DECAWM). */
const WRAP = '\x1b[?7h'
const CUT = '\x1b[?7l'

/** On a terminal: two lines redrawn in place at the bottom, above them the lines that stay. */
export class TtyUi extends TextUi {
  protected override readonly live = true
  #bars: MultiBar | null = null
  #frame: { bar: BarLine; detail: string } | null = null
  #closed = false
  readonly #onresize = () => this.#restart()

  protected started(): void {
    if (this.#closed || this.#bars || this.view?.work === 'status') return
    this.err.stream.on('resize', this.#onresize)
    this.#start()
  }

  protected changed(event: DatEvent, view: View): void {
    // A clone that is done leaves its last line, not a bar.
    if (event.type === 'done' && view.work !== 'sync' && view.work !== 'share') this.close()
  }

  protected beforeResult(): void {
    this.close()
  }

  protected besides(write: () => void): void {
    const drawing = this.#bars !== null
    this.#stop()
    write()
    if (drawing) this.#start()
  }

  protected line(text: string): void {
    // The line is written over the first line of the display: what is left of that must go. The terminal, which cuts off
    // what is too long for the display, must not do so here: a link that is cut is another link.
    const folded = text
      .split('\n')
      .map((line) => this.fold(line))
      .join('\n')
    if (this.#bars) this.#bars.log(`${WRAP}${folded.replaceAll('\n', '\x1b[K\n')}\x1b[K\n${CUT}`)
    else this.err.post(`${folded}\n`)
  }

  /** Prose is broken at words. A link or a command on its own is left to the terminal, so that it is copied whole. */
  protected override fold(line: string): string {
    return /dat:\/\/|^ {4}/.test(stripVTControlCharacters(line)) ? line : wrap(line, this.err.width).join('\n')
  }

  close(): void {
    this.#closed = true
    this.err.stream.off('resize', this.#onresize)
    this.#stop()
  }

  #start(): void {
    const { unicode } = this.style
    const bars = new cliProgress.MultiBar({
      stream: this.err.stream,
      fps: FPS,
      barsize: BAR_CAPACITY,
      barCompleteChar: unicode ? '━' : '#',
      barIncompleteChar: unicode ? '─' : '-',
      clearOnComplete: true,
      hideCursor: true,
      // Signals are the business of main, which closes this in any case.
      gracefulExit: false,
      // After a line that stays, unchanged bars have to be drawn again one line below.
      forceRedraw: true
    })
    bars.create(1, 0, {}, { format: (options: Options, params: Params) => this.#first(options, params) })
    bars.create(1, 0, {}, { format: () => this.#second() })
    this.#bars = bars
  }

  #stop(): void {
    const bars = this.#bars
    if (!bars) return
    // Lines that wait for the next redraw would be lost otherwise.
    bars.update()
    bars.stop()
    this.#bars = null
  }

  /** A resized terminal has wrapped or cut the old lines: begin again below them. */
  #restart(): void {
    this.#stop()
    if (!this.#closed) this.#start()
  }

  #first(options: Options, params: Params): string {
    if (!this.view) return ''
    // One column less than there is: a full line makes some terminals wrap.
    this.#frame = frame(this.view, columnsOf(params), this.now())
    const { label, progress, barColumns, text } = this.#frame.bar
    const bar = barColumns === 0 ? '' : ` ${this.#bar(options, progress ?? 0, barColumns)}`
    return `${this.style.paint.bold(label)}${bar}${text}`
  }

  #second(): string {
    return this.style.paint.dim(this.#frame?.detail ?? '')
  }

  #bar(options: Options, progress: number, columns: number): string {
    const within = Math.max(0, Math.min(1, progress))
    return this.style.paint.cyan(cliProgress.Format.BarFormat(within, { ...options, barsize: columns }))
  }
}

function columnsOf(params: Params): number {
  return Math.max(1, params.maxWidth - 1)
}
