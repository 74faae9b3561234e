import z32 from 'z32'
import { DatError } from './errors.js'
import { relayInLink, relayOfLink } from './relay-url.js'

/** What a dat link says. The key is the permission to read: it goes into no log, no DHT and no relay. */
export interface Link {
  key: Buffer
  /** A pinned version, from `+VERSION`. */
  version: number | null
  /** `host:port` addresses to dial directly, from `@host:port,…`. */
  addresses: string[]
  /** Relays at which to meet, as URLs; between the addresses they stand as `wss:host:port~path`. */
  relays: string[]
  /** A file or folder inside, without a leading slash; '' for everything. */
  path: string
}

const KEY_BYTES = 32
const Z32_KEY = /^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}$/
const HEX_KEY = /^[0-9a-f]{64}$/i
/** A link may not make us connect to more relays than this. */
const MAX_RELAYS = 8
const ADDRESS = /^(?:\[[0-9a-f:.]+\]|[^\s:@/,[\]]+):(\d{1,5})$/i

/**
 * Reads a link: `dat://<52 z-base-32>`, 64 hex digits, each with or without `dat://`, then optionally `+VERSION`,
 * `@host:port,…` and `/path`.
 * @throws DatError NOT_A_LINK, saying what is wrong with it. The message never repeats the key.
 */
export function parseLink(text: string): Link {
  const { name, ...rest } = splitLink(text)
  if (name.startsWith(INVITE_PREFIX)) {
    throw new DatError('NOT_A_LINK', 'this is an invite, which has no key in it: only `dat clone` takes it', {
      hint: 'run `dat clone` with it first; everything else works in the folder that this makes'
    })
  }
  return { key: parseKey(name), ...rest }
}

/** What an invite has between `dat://` and its secret. */
export const INVITE_PREFIX = 'invite-'

/**
 * Takes a link apart, of a key or an invite: what it names is not read.
 * @throws DatError NOT_A_LINK
 */
export function splitLink(text: string): Omit<Link, 'key'> & { name: string } {
  let rest = text.trim()
  if (/^dat:\/\//i.test(rest)) rest = rest.slice(6)
  const slash = rest.indexOf('/')
  const path = slash === -1 ? '' : rest.slice(slash + 1).replace(/\/+$/, '')
  if (slash !== -1) rest = rest.slice(0, slash)

  const at = rest.indexOf('@')
  const { addresses, relays } = parsePlaces(at === -1 ? [] : rest.slice(at + 1).split(','))
  if (at !== -1) rest = rest.slice(0, at)

  const plus = rest.indexOf('+')
  const version = plus === -1 ? null : Number(rest.slice(plus + 1))
  if (plus !== -1) rest = rest.slice(0, plus)
  if (version !== null && !(Number.isSafeInteger(version) && version > 0)) {
    throw new DatError('NOT_A_LINK', 'the version after "+" in this link is not a whole number')
  }
  return { name: rest, version, addresses, relays, path }
}

function parsePlaces(texts: readonly string[]): Pick<Link, 'addresses' | 'relays'> {
  const addresses: string[] = []
  const relays: string[] = []
  for (const text of texts) {
    const relay = relayOfLink(text)
    const port = Number(ADDRESS.exec(text)?.[1] ?? 0)
    if (relay) relays.push(relay)
    else if (port >= 1 && port <= 65535) addresses.push(text)
    else throw new DatError('NOT_A_LINK', 'the address after "@" in this link is not of the form host:port')
  }
  if (relays.length > MAX_RELAYS) {
    throw new DatError('NOT_A_LINK', `this link names more than ${MAX_RELAYS} relays`)
  }
  return { addresses, relays }
}

function parseKey(text: string): Buffer {
  if (HEX_KEY.test(text)) return Buffer.from(text, 'hex')
  const lower = text.toLowerCase()
  if (Z32_KEY.test(lower)) {
    const key = Buffer.from(z32.decode(lower))
    // 52 z-base-32 letters hold 260 bits: the last four must be unused, or two texts would name one key.
    if (key.length >= KEY_BYTES && z32.encode(key.subarray(0, KEY_BYTES)) === lower) return key.subarray(0, KEY_BYTES)
  }
  const what = /^[0-9a-f]{53,}$/i.test(text) ? 'hex digits, not 64' : 'characters, not 52'
  throw new DatError('NOT_A_LINK', `this is not a dat link: the key in it has ${text.length} ${explain(text, what)}`)
}

function explain(text: string, what: string): string {
  if (text.length === 52 || text.length === 64) return 'characters, but some of them cannot be part of a key'
  return what
}

/** True for text that is meant as a link, right or wrong: used to tell `dat <link>` from `dat <dir>`. */
export function looksLikeLink(text: string): boolean {
  if (/^dat:\/\//i.test(text)) return true
  const key = /^[^+@/]*/.exec(text)?.[0] ?? ''
  if (/^invite-[a-z0-9]{40,}$/i.test(key)) return true
  return HEX_KEY.test(key) || Z32_KEY.test(key.toLowerCase())
}

interface Suffixes {
  version?: number | null
  addresses?: readonly string[]
  relays?: readonly string[]
}

/** The link for a key, with the addresses to dial directly and the relays if there are any. */
export function formatLink(key: Buffer, options: Suffixes = {}): string {
  return joinLink(formatKey(key), options)
}

/** A link to what has this name, a key or an invite. */
export function joinLink(name: string, options: Suffixes): string {
  const version = options.version ? `+${options.version}` : ''
  const places = [...(options.addresses ?? []), ...(options.relays ?? []).slice(0, MAX_RELAYS).map(relayInLink)]
  return `dat://${name}${version}${places.length > 0 ? `@${places.join(',')}` : ''}`
}

/** The key alone in z-base-32, as the JSON field `key` has it. */
export function formatKey(key: Buffer): string {
  return z32.encode(key)
}

/** A short name for a key or a peer, safe for logs: it cannot be used to read anything. */
export function shortId(publicKey: Uint8Array): string {
  return z32.encode(Buffer.from(publicKey.subarray(0, 5)))
}
