import { displayWidth } from './display-width.js'

// What colours a text, as `displayWidth` does not count it, may come before the mark that a line begins with.
const LEAD = /^(?:\x1b\[[\d;]*m)*\s*(?:(?:-|\d+\.)\s+)?/

/**
 * Breaks a text into lines of at most so many columns, at spaces; colours in it change nothing. A word that is longer
 * stays whole. Line breaks in the text stay; a line that begins with a mark (`- `, `1. `) or spaces goes on below its
 * text. What stands in backquotes is to be typed, and stays together as long as it fits on a line.
 */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, columns))
}

function wrapLine(line: string, columns: number): string[] {
  const [lead = ''] = LEAD.exec(line) ?? []
  const indent = displayWidth(lead)
  const lines: string[] = []
  let current = lead
  let width = indent
  let empty = true
  for (const word of wordsOf(line.slice(lead.length), columns - indent)) {
    const more = displayWidth(word)
    if (!empty && width + 1 + more > columns) {
      lines.push(current)
      current = ' '.repeat(indent)
      width = indent
      empty = true
    }
    current += empty ? word : ` ${word}`
    width += empty ? more : 1 + more
    empty = false
  }
  return [...lines, current]
}

function wordsOf(text: string, columns: number): string[] {
  const words: string[] = []
  let open = false
  for (const word of text.split(' ')) {
    const last = words.at(-1)
    if (open && last !== undefined && displayWidth(last) + 1 + displayWidth(word) <= columns)
      words[words.length - 1] = `${last} ${word}`
    else words.push(word)
    if (word.split('`').length % 2 === 0) open = !open
  }
  return words
}
