/** A table as it is previewed. */
export interface Table {
  rows: string[][]
  /** There are more rows, or columns, or longer fields. */
  cut: boolean
}

const MAX_ROWS = 200
const MAX_COLUMNS = 60
const MAX_FIELD = 400

/**
 * Reads the beginning of comma- or tab-separated values (RFC 4180): fields may be in quotes, with line breaks in them.
 * @param whole whether this is the whole file; otherwise its last line may be half of one, and is left out
 */
export function readDelimited(text: string, separator: string, whole: boolean): Table {
  const rows: string[][] = []
  let row: string[] = []
  let field = ''
  let cut = !whole
  const endField = (): void => {
    if (row.length < MAX_COLUMNS) row.push(field.length > MAX_FIELD ? `${field.slice(0, MAX_FIELD)}…` : field)
    else cut = true
    if (field.length > MAX_FIELD) cut = true
    field = ''
  }
  let i = text.startsWith('\ufeff') ? 1 : 0
  while (i < text.length && rows.length < MAX_ROWS) {
    const char = text[i] as string
    if (char === '"' && field === '') {
      const quoted = readQuoted(text, i + 1)
      field = quoted.field
      i = quoted.next
    } else if (char === separator) {
      endField()
      i++
    } else if (char === '\n' || char === '\r') {
      endField()
      rows.push(row)
      row = []
      i += char === '\r' && text[i + 1] === '\n' ? 2 : 1
    } else {
      const end = nextOf(text, separator, i)
      field += text.slice(i, end)
      i = end
    }
  }
  if (i < text.length) cut = true
  else if (whole && (field !== '' || row.length > 0)) {
    endField()
    rows.push(row)
  }
  return { rows, cut }
}

function readQuoted(text: string, start: number): { field: string; next: number } {
  let field = ''
  for (let i = start; ; ) {
    const quote = text.indexOf('"', i)
    if (quote === -1) return { field: field + text.slice(i), next: text.length }
    field += text.slice(i, quote)
    if (text[quote + 1] !== '"') return { field, next: quote + 1 }
    field += '"'
    i = quote + 2
  }
}

function nextOf(text: string, separator: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const char = text[i]
    if (char === separator || char === '\n' || char === '\r') return i
  }
  return text.length
}
