/**
 * The one door for names that came from a peer, before they touch the disk. A drive's keys are under the control of
 * whoever made the share: they may be absolute, climb with `..`, hide behind NUL or a backslash, or aim at dat's own
 * folder. Nothing else in dat joins a peer's name to a folder.
 */

/** dat's own folder inside a share or a clone: no peer may write there. */
export const STORE_NAME = '.dat'
/** The same for a share of a single file: `.dat-<file name>`, beside the file. */
export const FILE_STORE_PREFIX = '.dat-'

/** Windows' device names, with any extension: opening `con.txt` talks to the console. */
const WINDOWS_DEVICE =
  /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)(?:\.|$)/i
const WINDOWS_FORBIDDEN = /[<>:"|?*\u0001-\u001f]/
const MAX_NAME_BYTES = 255
/** Linux takes no longer path from a program, and macOS none longer than 1024: what it names could hardly be removed. */
const MAX_PATH_BYTES = 4000

export type SafePath = { ok: true; relative: string } | { ok: false; reason: string }

/**
 * Checks a drive key such as `/data/a.csv`.
 * @param key the key as the peer wrote it
 * @param platform of the destination, since Windows can hold fewer names (`process.platform`)
 * @returns the path relative to the destination, with `/` between its parts; or why it is refused
 */
export function safePath(key: string, platform: NodeJS.Platform = process.platform): SafePath {
  const body = key.startsWith('/') ? key.slice(1) : key
  if (body === '') return refuse('the name is empty')
  if (body.includes('\0')) return refuse('the name contains a NUL character')
  if (!body.isWellFormed()) return refuse('the name is not valid Unicode')
  if (body.length > MAX_PATH_BYTES || Buffer.byteLength(body) > MAX_PATH_BYTES) return refuse('the name is too long')
  const parts = body.split('/')
  for (const part of parts) {
    const reason = unsafePart(part, platform)
    if (reason) return refuse(reason)
  }
  // At any depth: dat run in a folder below would take such a folder for its index, with keys that the peer knows. A
  // plain file of that name, further down, is data.
  const folders = parts.length > 1 ? parts.slice(0, -1) : parts
  // NTFS may know `.dat` by this short name too.
  const short = (part: string) => platform === 'win32' && /^dat~\d+$/i.test(part)
  if (folders.some((part) => short(part) || isStoreName(part))) return refuse(`${STORE_NAME} belongs to dat itself`)
  return { ok: true, relative: parts.join('/') }
}

function refuse(reason: string): SafePath {
  return { ok: false, reason }
}

function unsafePart(part: string, platform: NodeJS.Platform): string | null {
  if (part === '') return 'the name has an empty part'
  if (part === '.' || part === '..') return `the name has a "${part}" in it and would leave the folder`
  if (Buffer.byteLength(part) > MAX_NAME_BYTES) return 'the name is too long for this file system'
  if (platform !== 'win32') return null
  if (part.includes('\\')) return 'Windows cannot hold a name with a backslash'
  if (WINDOWS_FORBIDDEN.test(part)) return 'Windows cannot hold a name with one of < > : " | ? *'
  if (WINDOWS_DEVICE.test(part)) return 'Windows keeps this name for a device'
  if (/[. ]$/.test(part)) return 'Windows cannot hold a name that ends with a dot or a space'
  return null
}

/** True for `.dat` and `.dat-…` however a case-folding or normalising file system may read it. */
export function isStoreName(part: string): boolean {
  // NTFS drops trailing dots and spaces; HFS+ ignores zero-width characters.
  const folded = part.normalize('NFKC').replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, '')
  const name = folded.replace(/[. ]+$/, '').toLowerCase()
  return name === STORE_NAME || name.startsWith(FILE_STORE_PREFIX)
}

/**
 * Checks the text of a symbolic link from a share. A link is only text: it is created as it is, wherever it points,
 * because dat never follows one (docs/adr/0003-symbolic-links.md).
 */
export function safeLinkText(target: string): SafePath {
  if (target === '' || target.includes('\0')) return refuse('the link has no valid target')
  if (Buffer.byteLength(target) > 4095) return refuse('the target of the link is too long')
  return { ok: true, relative: target }
}
