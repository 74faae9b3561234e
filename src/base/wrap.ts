/**
 * Breaks a text into lines of at most so many characters, at spaces. A word that is longer stays whole. Line breaks in
 * the text stay; a line that begins with a mark (`- `, `1. `) or spaces goes on below its text. What stands in backquotes
 * is to be typed, and stays together as long as it fits on a line.
 */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, columns))
}

function wrapLine(line: string, columns: number): string[] {
  const [lead = ''] = /^\s*(?:(?:-|\d+\.)\s+)?/.exec(line) ?? []
  const lines: string[] = []
  let current = lead
  let empty = true
  for (const word of wordsOf(line.slice(lead.length), columns - lead.length)) {
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

function wordsOf(text: string, columns: number): string[] {
  const words: string[] = []
  let open = false
  for (const word of text.split(' ')) {
    const last = words.at(-1)
    if (open && last !== undefined && last.length + 1 + word.length <= columns)
      words[words.length - 1] = `${last} ${word}`
    else words.push(word)
    if (word.split('`').length % 2 === 0) open = !open
  }
  return words
}
