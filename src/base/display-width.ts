import { stripVTControlCharacters } from 'node:util'

const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u

/** Columns that a text takes on a terminal: what colours it takes none. Everything else in it is printable. */
export function displayWidth(text: string): number {
  let width = 0
  for (const char of stripVTControlCharacters(text)) width += charWidth(char)
  return width
}

/** Columns of one character. */
export function charWidth(char: string): number {
  if (/^[\p{Mn}\p{Me}]/u.test(char)) return 0
  return WIDE.test(char) ? 2 : 1
}
