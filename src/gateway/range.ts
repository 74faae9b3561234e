/** A part of a file: from `start` up to, and without, `end`. */
export interface Span {
  start: number
  end: number
}

/**
 * Reads a Range header (RFC 9110, 14.2) with one range of bytes.
 * @returns null where the header is to be ignored, and all is sent: another unit, several ranges, or nonsense;
 * 'unsatisfiable' if it lies behind the end
 */
export function readRange(header: string | undefined, size: number): Span | 'unsatisfiable' | null {
  const [, first = '', last = ''] = /^bytes=[ \t]*(\d{0,16})-(\d{0,16})[ \t]*$/i.exec(header ?? '') ?? []
  if (first === '' && last === '') return null
  if (first === '') {
    const length = Number(last)
    return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return null
  if (start >= size) return 'unsatisfiable'
  return { start, end: last === '' ? size : Math.min(size, Number(last) + 1) }
}

/** What a request says of the copy that its sender has. */
export interface Conditions {
  ifMatch?: string | undefined
  ifNoneMatch?: string | undefined
  ifModifiedSince?: string | undefined
  ifUnmodifiedSince?: string | undefined
}

/**
 * Whether a request is to be answered in full, in the order of RFC 9110, 13.2.2.
 * @param modified of the file in milliseconds; null if unknown
 */
export function precondition(given: Conditions, tag: string, modified: number | null): 200 | 304 | 412 {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = given
  if (ifMatch !== undefined) {
    if (!listHas(ifMatch, tag, false)) return 412
  } else if (ifUnmodifiedSince !== undefined && isNewer(modified, ifUnmodifiedSince) === true) return 412
  if (ifNoneMatch !== undefined) return listHas(ifNoneMatch, tag, true) ? 304 : 200
  return ifModifiedSince !== undefined && isNewer(modified, ifModifiedSince) === false ? 304 : 200
}

/** Whether a range is meant of this very content (If-Range). A date is good only if it is exactly that of the file. */
export function rangeIsMeant(header: string | undefined, tag: string, modified: number | null): boolean {
  if (header === undefined) return true
  if (header.startsWith('"')) return header === tag
  const date = Date.parse(header)
  return modified !== null && date === Math.floor(modified / 1000) * 1000
}

function listHas(header: string, tag: string, weak: boolean): boolean {
  const tags = header.split(',').map((one) => one.trim())
  return tags.some((one) => one === '*' || one === tag || (weak && one === `W/${tag}`))
}

/** null where either is unknown. */
function isNewer(modified: number | null, header: string): boolean | null {
  const date = Date.parse(header)
  return modified === null || Number.isNaN(date) ? null : Math.floor(modified / 1000) * 1000 > date
}
