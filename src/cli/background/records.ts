import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import type { Places } from '../../core/places.js'
import { findProcess, type ProcessIdentity, type Whereabouts } from './identity.js'

/** How a share was started: by `dat share` in a terminal, with `--background`, or by systemd or launchd. */
export type Mode = 'foreground' | 'background' | 'service'
export type ShareWork = 'share' | 'sync'
export type ShareState = 'starting' | 'indexing' | 'downloading' | 'stalled' | 'unreachable' | 'serving' | 'failed'

/** What a running share says of itself, in `<DAT_HOME>/running/<id>.json`. It has no key and no link in it. */
export interface RunningShare extends ProcessIdentity {
  id: string
  /** What is shared, absolute. */
  dir: string
  work: ShareWork
  mode: Mode
  /** In ms since 1970: when it began, and when it last wrote this. */
  since: number
  updated: number
  /** What its link names beside the key. */
  places: Places
  /** The options that it was started with, as they can be typed anywhere. */
  options: string[]
  log: string | null
  state: ShareState
  /** Of the indexing or downloading, in percent; null while there is none. */
  percent: number | null
  peers: number
  /** Peers that have said that they have everything. */
  complete: number
  sentBytes: number
  /** Why it ended, if it could still say so. */
  failure: string | null
}

/** Read as far as it may be there: what was written by another version, or by a disk that was full, is no record. */
export interface Found {
  record: RunningShare
  whereabouts: Whereabouts
}

/** How often a record is written when nothing changes, so that other computers know that it is alive, in ms. */
export const SIGN_MS = 60_000
const FOLDER = 'running'
const MAX_BYTES = 256 * 1024
const DAY_MS = 24 * 3600 * 1000
/** For so long `dat ps` tells of a share that was killed here, and of one elsewhere that gives no sign, in ms. */
const MOURNING_MS = 7 * DAY_MS
const SILENCE_MS = 30 * DAY_MS

export function newId(): string {
  return randomBytes(8).toString('hex')
}

/** Writes a record, whole or not at all. @throws system errors */
export async function writeRecord(home: string, record: RunningShare): Promise<void> {
  const folder = path.join(home, FOLDER)
  await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 })
  const file = path.join(folder, `${record.id}.json`)
  await fs.promises.writeFile(`${file}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 })
  await fs.promises.rename(`${file}.new`, file)
}

export async function removeRecord(home: string, id: string): Promise<void> {
  await fs.promises.rm(path.join(home, FOLDER, `${id}.json`), { force: true }).catch(() => {})
  await fs.promises.rm(path.join(home, FOLDER, `${id}.json.new`), { force: true }).catch(() => {})
}

/** All that is shared, or was until it was killed, by this user on all computers with this home; the oldest first. */
export async function listRunning(home: string | null): Promise<Found[]> {
  if (home === null) return []
  const folder = path.join(home, FOLDER)
  const names = await fs.promises.readdir(folder).catch(() => [])
  const all: Found[] = []
  for (const name of names.filter((one) => /^[0-9a-f]{16}\.json$/.test(one))) {
    const record = await readRecord(path.join(folder, name))
    if (!record) continue
    const whereabouts = await findProcess(record)
    const limit = {
      running: Number.POSITIVE_INFINITY,
      elsewhere: SILENCE_MS,
      killed: MOURNING_MS,
      restarted: MOURNING_MS
    }
    if (Date.now() - record.updated > limit[whereabouts]) await removeRecord(home, record.id)
    else all.push({ record, whereabouts })
  }
  return all.sort((a, b) => a.record.since - b.record.since)
}

/** It ran on this computer, and does no more. */
export function isOver({ whereabouts }: Pick<Found, 'whereabouts'>): boolean {
  return whereabouts === 'killed' || whereabouts === 'restarted'
}

/** What runs here for this folder or file. */
export async function findRunning(home: string | null, dir: string): Promise<RunningShare | null> {
  const all = await listRunning(home)
  return all.find(({ record, whereabouts }) => record.dir === dir && whereabouts === 'running')?.record ?? null
}

async function readRecord(file: string): Promise<RunningShare | null> {
  try {
    if ((await fs.promises.stat(file)).size > MAX_BYTES) return null
    const record = parseRecord(await fs.promises.readFile(file, 'utf8'))
    return record && `${record.id}.json` === path.basename(file) ? record : null
  } catch {
    return null
  }
}

/** Reads what a share wrote, or whoever else may write there; null if it is something else. */
export function parseRecord(text: string): RunningShare | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

const FIELDS: Record<keyof RunningShare, (value: unknown) => boolean> = {
  id: (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value),
  pid: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  host: isText,
  machine: isText,
  boot: isText,
  space: isText,
  start: isText,
  dir: isText,
  work: (value) => value === 'share' || value === 'sync',
  mode: (value) => value === 'foreground' || value === 'background' || value === 'service',
  since: isTime,
  updated: isTime,
  places: (value) => {
    const { addresses, relays } = (value ?? {}) as Partial<Record<keyof Places, unknown>>
    return isTexts(addresses) && isTexts(relays)
  },
  options: isTexts,
  log: (value) => value === null || isText(value),
  state: isText,
  percent: (value) => value === null || isCount(value),
  peers: isCount,
  complete: isCount,
  sentBytes: isCount,
  failure: (value) => value === null || isText(value)
}

function isRecord(value: unknown): value is RunningShare {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Record<string, unknown>
  return Object.entries(FIELDS).every(([name, fits]) => fits(fields[name]))
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText)
}

/** The last moment that a Date can name, in ms since 1970. */
const LAST_TIME = 8.64e15

function isTime(value: unknown): boolean {
  return isCount(value) && (value as number) <= LAST_TIME
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
