import { printable } from '../base/terminal-text.js'

/** A piece of a page: text in which everything that came from elsewhere is escaped. */
export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Part = Html | string | number | null | false | readonly Part[]

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;'
}

/** The one way to make a page: what is put in is escaped, unless it is a piece of a page itself. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let out = strings[0] ?? ''
  parts.forEach((part, i) => {
    out += textOf(part) + (strings[i + 1] ?? '')
  })
  return new Html(out)
}

/** A text that may have control characters, such as that of a file, with its lines. */
export function lines(text: string): Html {
  return new Html(escaped(text.replace(/[^\n\t]+/g, printable)))
}

function textOf(part: Part): string {
  if (part === null || part === false) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'object') return part.map(textOf).join('')
  // A name may have characters that turn the text around, or hide it.
  return escaped(printable(String(part)))
}

function escaped(text: string): string {
  return text.replace(/[&<>"'`]/g, (char) => ESCAPES[char] ?? char)
}
