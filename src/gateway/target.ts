import { type Credential, readCredential, readToken } from './signature.js'

/** What a request asks for. */
export interface Target {
  /** Names from the top of the share to what is asked for; [] for the share itself. */
  parts: string[]
  /** It was asked for as a folder, with a slash at the end. */
  folder: boolean
  query: URLSearchParams
  credential: Credential | null
}

/** Longer than any path of a share, escaped. */
const MAX_URL = 16 * 1024
const MAX_PARAMETERS = 32

/**
 * Reads the target of a request. A name is what is between two slashes, taken as it is: it is looked up in the share, and
 * never joined to a path of the disk.
 * @returns null for what is no target, or could be taken for another one
 */
export function readTarget(url: string): Target | null {
  if (!url.startsWith('/') || url.length > MAX_URL || /[^\x21-\x7e]/.test(url)) return null
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  if (query.size > MAX_PARAMETERS || path.includes('#')) return null
  const raw = path.slice(1).split('/')
  const token = readToken(raw[0] ?? '')
  if (token) raw.shift()
  const folder = raw.length === 0 || raw.at(-1) === ''
  if (raw.at(-1) === '') raw.pop()
  const parts: string[] = []
  for (const part of raw) {
    const name = decodeName(part)
    if (name === null) return null
    parts.push(name)
  }
  return { parts, folder, query, credential: token ?? readCredential(query.get('expires'), query.get('signature')) }
}

/** Decoded once, and only once: what is escaped twice is a name with a percent sign in it. */
function decodeName(part: string): string | null {
  let name: string
  try {
    name = decodeURIComponent(part)
  } catch {
    return null
  }
  const wrong = name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')
  return wrong || !name.isWellFormed() ? null : name
}

/** A path as it stands in a URL, without a slash at the beginning. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeName).join('/')
}

/** Stricter than encodeURIComponent, so that a shell needs no quotes; and nothing can be taken for a token. */
export function encodeName(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
