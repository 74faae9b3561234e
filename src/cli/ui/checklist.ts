import { displayWidth } from '../../base/display-width.js'
import { printable } from '../../base/terminal-text.js'
import { truncate } from './format.js'
import type { Output } from './output.js'
import type { Paint } from './paint.js'

/** One line of a checklist. */
export interface CheckItem {
  id: string
  label: string
}

export interface Check {
  id: string
  status: 'ok' | 'fail' | 'unknown' | 'skipped'
  summary: string
}

export interface ChecklistStyle {
  paint: Paint
  unicode: boolean
}

/** A "no" here is the normal case, and no reason to worry. */
const HARMLESS = new Set(['inbound', 'nat'])
const LABEL_MAX = 28

/**
 * Lines that are ticked off. On a terminal they are all there from the beginning and redrawn in place; elsewhere each
 * is written when it is known.
 */
export class Checklist {
  readonly #out: Output
  readonly #items: readonly CheckItem[]
  readonly #style: ChecklistStyle
  readonly #live: boolean
  readonly #done = new Map<string, Check>()
  #drawn = 0

  constructor(out: Output, items: readonly CheckItem[], style: ChecklistStyle, live: boolean) {
    this.#out = out
    this.#items = items
    this.#style = style
    // Lines that have left the screen at the top could not be redrawn.
    const rows = (out.stream as { rows?: number }).rows ?? 24
    this.#live = live && rows > items.length + 1
    if (this.#live) this.#draw()
  }

  done(check: Check): void {
    this.#done.set(check.id, check)
    const item = this.#items.find(({ id }) => id === check.id)
    if (this.#live) this.#draw()
    else if (item) this.#out.post(`${this.line(item)}\n`)
  }

  /** One line, as wide as the terminal at most. */
  line(item: CheckItem): string {
    const { paint } = this.#style
    const check = this.#done.get(item.id)
    const widths = this.#items.map(({ label }) => Math.min(displayWidth(label), LABEL_MAX))
    const width = Math.max(...widths)
    const label = truncate(printable(item.label), width)
    const left = `${label}${' '.repeat(width - displayWidth(label))}`
    const mark = this.#mark(check)
    // One column stays free: a full line makes some terminals wrap.
    const room = this.#out.width - 1 - width - 2 - displayWidth(mark) - 1
    const text = truncate(printable(check ? check.summary : ''), room)
    const dull = !check || check.status === 'skipped'
    return `${this.#colour(check)(mark)} ${left}  ${dull ? paint.dim(text) : text}`.trimEnd()
  }

  #mark(check: Check | undefined): string {
    const { unicode } = this.#style
    if (!check) return unicode ? '…' : '. '
    const harmless = check.status === 'fail' && HARMLESS.has(check.id)
    const marks = unicode
      ? { ok: '✓', fail: '✗', unknown: '?', skipped: '–' }
      : { ok: 'ok', fail: 'no', unknown: '? ', skipped: '- ' }
    return harmless ? marks.skipped : marks[check.status]
  }

  #colour(check: Check | undefined): (text: string) => string {
    const { paint } = this.#style
    if (check?.status === 'ok') return paint.green
    return check?.status === 'fail' && !HARMLESS.has(check.id) ? paint.red : paint.dim
  }

  #draw(): void {
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    const lines = this.#items.map((item) => `\r${this.line(item)}\x1b[K\n`)
    this.#out.post(`${up}${lines.join('')}`)
    this.#drawn = this.#items.length
  }
}
