/**
 * Breaks a text into lines of at most so many characters, at spaces. A word that is longer stays whole. Line breaks in
 * the text stay; a line that begins with a mark (`- `, `1. `) or spaces goes on below its text.
 */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, columns))
}

function wrapLine(line: string, columns: number): string[] {
  const [lead = ''] = /^\s*(?:(?:-|\d+\.)\s+)?/.exec(line) ?? []
  const lines: string[] = []
  let current = lead
  let empty = true
  for (const word of line.slice(lead.length).split(' ')) {
    if (!empty && current.length + 1 + word.length > columns) {
      lines.push(current)
      current = ' '.repeat(lead.length)
      empty = true
    }
    current += empty ? word : ` ${word}`
    empty = false
  }
  return [...lines, current]
}
