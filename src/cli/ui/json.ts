import type { DatEvent } from '../../base/events.js'
import { printable } from '../../base/terminal-text.js'
import { type Explained, errorLines } from './error.js'
import type { Output } from './output.js'
import type { Paint } from './paint.js'
import type { Row, Ui } from './ui.js'

/** One object a line on stdout and nothing else there. Errors are told on stderr too, for the person behind the script. */
export class JsonUi implements Ui {
  readonly #out: Output
  readonly #err: Output
  readonly #paint: Paint
  readonly #now: () => Date

  constructor(out: Output, err: Output, paint: Paint, now: () => Date = () => new Date()) {
    this.#out = out
    this.#err = err
    this.#paint = paint
    this.#now = now
  }

  begin(): void {}

  checklist(): void {}

  event(event: DatEvent): void {
    this.#out.post(this.#line(event))
  }

  row(object: Row): Promise<boolean> {
    return this.#out.write(this.#line(object))
  }

  info(): void {}

  qr(): void {}

  fail(error: Explained): void {
    const { code, message, hint, exitCode, failures } = error
    this.#out.post(this.#line({ type: 'error', code, message, hint, exitCode, failures }))
    for (const line of errorLines(error, this.#paint)) this.#err.post(`${line}\n`)
  }

  close(): void {}

  #line(object: Row | DatEvent): string {
    const { type, ...fields } = object
    return `${toJsonLine({ v: 1, type, time: this.#now().toISOString(), ...fields })}\n`
  }
}

/**
 * JSON in one line, in which every character that could change what a terminal shows is escaped. Unlike the texts for
 * people it loses nothing: a script needs the exact name.
 */
export function toJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(/[^\x20-\x7e]/gu, (char) =>
    printable(char) === char ? char : escapeUnits(char)
  )
}

function escapeUnits(char: string): string {
  let out = ''
  for (let i = 0; i < char.length; i++) out += `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`
  return out
}
