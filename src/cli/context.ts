import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatError } from '../base/errors.js'
import { type Link, looksLikeLink, parseLink } from '../base/link.js'
import { parseRate } from '../base/sizes.js'
import type { CommonOptions } from '../core/session.js'
import { parseHostPort } from '../transport/host-port.js'
import type { HostPort, NetworkOptions } from '../transport/transport.js'
import { readRelays, relayAccess } from './relay-access.js'
import type { Ui, UiOptions } from './ui/ui.js'

/** The common and network options as they were typed. Commander leaves out what was not given, except `no…` options. */
export interface RawOptions {
  json?: boolean
  quiet?: boolean
  color?: boolean
  debug?: boolean
  store?: string
  bootstrap?: string
  lan?: boolean
  dht?: boolean
  listen?: string
  peer?: string[]
  lanInterface?: string
  relay?: string[]
  relayCa?: string
  limitUp?: string
  limitDown?: string
  runAs?: UiOptions['runAs']
  log?: string
}

/** What a command gets: where it runs, how it talks, and what core needs. */
export interface Context {
  cwd: string
  ui: Ui
  signal: AbortSignal
  common: CommonOptions
}

export function uiOptions(raw: RawOptions): UiOptions {
  const { runAs, log } = raw
  const { json = false, quiet = false, color = true, debug = false } = raw
  return { json, quiet, color, debug, ...(runAs && { runAs }), ...(log !== undefined && { log }) }
}

/**
 * Puts options and environment together.
 * @throws DatError USAGE
 */
export function createContext(
  raw: RawOptions,
  env: NodeJS.ProcessEnv,
  given: { cwd: string; ui: Ui; signal: AbortSignal }
): Context {
  const { cwd, ui, signal } = given
  const store = raw.store === undefined ? null : resolve(cwd, raw.store)
  const network = networkOptions(raw, env)
  return {
    cwd,
    ui,
    signal,
    common: { store, home: userFolder(env, cwd), network, report: (event) => ui.event(event), signal }
  }
}

/** Where dat keeps what belongs to the user and to no folder; null where there is no home. */
function userFolder(env: NodeJS.ProcessEnv, cwd: string): string | null {
  if (env.DAT_HOME) return resolve(cwd, env.DAT_HOME)
  if (process.platform === 'win32') return env.LOCALAPPDATA ? join(env.LOCALAPPDATA, 'dat') : null
  const home = env.HOME || homeOfAccount()
  if (!home?.startsWith('/')) return null
  if (process.platform === 'darwin') return join(home, 'Library/Application Support/dat')
  // By the XDG specification a path that is not absolute does not count.
  return join(env.XDG_DATA_HOME?.startsWith('/') ? env.XDG_DATA_HOME : join(home, '.local/share'), 'dat')
}

/** Null for a user that the system has no account of, as in many containers: there `homedir` throws. */
function homeOfAccount(): string | null {
  try {
    return homedir()
  } catch {
    return null
  }
}

/**
 * Reads the network options; a flag wins over its environment variable.
 * @throws DatError USAGE
 */
export function networkOptions(raw: RawOptions, env: NodeJS.ProcessEnv): NetworkOptions {
  const [bootstrap, name] =
    raw.bootstrap === undefined ? [env.DAT_BOOTSTRAP, 'DAT_BOOTSTRAP'] : [raw.bootstrap, '--bootstrap']
  const nodes = bootstrap?.trim() ? bootstrap.trim() : null
  const peers = (raw.peer ?? []).flatMap((text) => text.split(',')).map((text) => text.trim())
  for (const peer of peers) dialAddress(peer, '--peer')
  const relays =
    raw.relay === undefined ? readRelays(env.DAT_RELAY, 'DAT_RELAY') : readRelays(raw.relay.join(), '--relay')
  return {
    dht: raw.dht !== false && nodes !== 'none',
    bootstrap: nodes === null || nodes === 'none' ? null : nodes.split(',').map((node) => dialAddress(node, name)),
    lan: raw.lan !== false,
    lanInterface: lanInterface(raw, env),
    listen: raw.listen === undefined ? null : readAddress(raw.listen, '--listen'),
    peers,
    relays,
    relayAccess: relayAccess(raw.relayCa ?? null, env),
    ...limits(raw)
  }
}

/** The limits, if there are any. */
function limits({ limitUp, limitDown }: RawOptions): Pick<NetworkOptions, 'limits'> {
  if (limitUp === undefined && limitDown === undefined) return {}
  return { limits: { up: readRate(limitUp, '--limit-up'), down: readRate(limitDown, '--limit-down') } }
}

function readRate(text: string | undefined, option: string): number | null {
  if (text === undefined) return null
  try {
    return parseRate(text)
  } catch (error) {
    if (!(error instanceof DatError)) throw error
    throw new DatError('USAGE', `${option}: ${error.message}`, { hint: error.hint })
  }
}

function lanInterface(raw: RawOptions, env: NodeJS.ProcessEnv): string | null {
  const address = raw.lanInterface ?? env.DAT_LAN_INTERFACE ?? ''
  if (address === '') return null
  if (isIP(address) === 0) {
    throw new DatError('USAGE', `"${address}" is not the address of a network interface`, {
      hint: "give the IP address of one of this computer's interfaces"
    })
  }
  return address
}

/**
 * Reads an address to dial.
 * @param option what to name in the error
 * @throws DatError USAGE
 */
function dialAddress(text: string, option: string): HostPort {
  const address = readAddress(text, option)
  if (address.host !== '' && address.port > 0) return address
  throw new DatError('USAGE', `${option}: "${text}" is not of the form host:port`)
}

function readAddress(text: string, option: string): HostPort {
  try {
    return parseHostPort(text)
  } catch (error) {
    if (!(error instanceof DatError)) throw error
    throw new DatError('USAGE', `${option}: ${error.message}`, { hint: error.hint })
  }
}

/** A link, or the absolute path of a folder that is here. */
export type Target = { link: Link } | { dir: string }

/**
 * Reads `<link or dir>`: a folder that exists is a folder, whatever its name looks like.
 * @throws DatError NOT_A_LINK
 */
export function parseTarget(text: string, cwd: string, exists: (path: string) => boolean): Target {
  const dir = resolve(cwd, text)
  if (exists(dir) || !meantAsLink(text)) return { dir }
  return { link: parseLink(text) }
}

/** Text that somebody copied as a link, even badly: only then is "not a link" the right answer. */
export function meantAsLink(text: string): boolean {
  return looksLikeLink(text) || /^dat:/i.test(text) || /^[a-z0-9]{40,}(?:[+@/]|$)/i.test(text)
}
