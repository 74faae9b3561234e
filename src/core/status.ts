import type { EntryValue, Hyperbee } from 'hyperdrive'
import { formatLink } from '../base/link.js'
import { type FileRecord, sameFingerprint, sameSizeAndTime } from '../storage/file-record.js'
import { compareWithIndex } from './compare.js'
import { type OpenDrive, openDrive, placeOf } from './drive.js'
import { datKeys, fileKeys, isEntry, pathOfKey, readState, STATE } from './entry.js'
import { isGatedHere } from './gate-setting.js'
import { IgnoreRules } from './ignore.js'
import { savedRules } from './ignore-options.js'
import { findFolder } from './pull.js'
import { isContentOf } from './recognise.js'
import { readSaved } from './saved-clone.js'
import { Selection } from './selection.js'
import { beeAt } from './versions.js'
import { type Found, QUIETLY, type WalkOptions } from './walk.js'

export interface Status {
  /** null where it lets nobody in: by invitation only. */
  link: string | null
  role: 'owner' | 'clone'
  dir: string
  version: number
  /** Of the share, at the version that is known here. */
  files: number
  bytes: number
  /** Everything of that version is here. */
  complete: boolean
  missing: { path: string; reason: string }[]
  missingBytes: number
  /** What differs from what dat last saw: `new`, `changed` or `deleted`. */
  changed: { path: string; reason: string }[]
}

const DAMAGED = 'damaged here; `dat verify --repair` fetches it again'

/** Looks at a share or clone of this computer, without the network and without its lock. */
export async function readStatus(options: {
  dir: string
  store: string | null
  home?: string | null
  signal: AbortSignal
}): Promise<Status> {
  const root = await findFolder(options.dir)
  const open = await openDrive({ place: placeOf(root, options.store, options.home), create: null, readOnly: true })
  try {
    const { drive, identity } = open
    const saved = await readSaved(open)
    const selection = new Selection(saved.include, saved.exclude, saved.under)
    const bee = await beeAt(open, saved.version)
    const missing =
      identity.role === 'clone'
        ? await findMissing(open, bee, selection)
        : { files: 0, bytes: 0, paths: [], missingBytes: 0 }
    const header = drive.core.length > 0 ? await bee.get<unknown>(STATE, datKeys) : null
    const state = readState(header?.value)
    const changed = await findChanges(open)
    return {
      link: (await isGatedHere(open)) ? null : formatLink(drive.key, saved),
      role: identity.role,
      dir: root,
      version: saved.version ?? drive.version,
      files: state?.files ?? missing.files,
      bytes: state?.bytes ?? missing.bytes,
      complete: missing.paths.length === 0 && (state?.complete ?? drive.core.length > 0),
      missing: missing.paths,
      missingBytes: missing.missingBytes,
      changed
    }
  } finally {
    await open.close()
  }
}

async function findMissing(open: OpenDrive, bee: Hyperbee, selection: Selection) {
  const result = { files: 0, bytes: 0, paths: [] as Status['missing'], missingBytes: 0 }
  if (open.drive.core.length === 0) return result
  for await (const { key, value } of bee.createReadStream<EntryValue>({}, fileKeys)) {
    const bytes = isEntry(value) ? (value.blob?.byteLength ?? 0) : 0
    result.files++
    result.bytes += bytes
    const checked = pathOfKey(key)
    if (checked.ok && !selection.wants(checked.relative)) continue
    const record = checked.ok ? await open.index.get(checked.relative) : null
    const done = record?.state === 'done'
    if (done && !isDamaged(open, record)) continue
    const reason = !checked.ok ? checked.reason : done ? DAMAGED : record ? 'partly downloaded' : 'not downloaded yet'
    result.paths.push({ path: key.replace(/^\//, ''), reason })
    result.missingBytes += bytes
  }
  return result
}

async function findChanges(open: OpenDrive): Promise<Status['changed']> {
  const changed: Status['changed'] = []
  const owner = open.identity.role === 'owner'
  const rules = owner ? await savedRules(open) : IgnoreRules.root([], false)
  const options: WalkOptions = { root: open.root, folder: '', rules, workers: open.workers, ...QUIETLY }
  for await (const { found, record } of compareWithIndex(options, open.index, open.identity.file)) {
    if (!record) {
      if (found && found.kind !== 'folder') changed.push({ path: found.path, reason: 'new' })
    } else if (record.state === 'done' && record.kind !== 'folder') {
      if (!found) changed.push({ path: record.path, reason: 'deleted' })
      else if (await isChanged(open, found, record)) changed.push({ path: record.path, reason: 'changed' })
    }
  }
  return changed
}

async function isChanged(open: OpenDrive, found: Found, record: FileRecord): Promise<boolean> {
  // A link's own size says nothing of the share.
  if (found.kind !== 'file' || record.kind !== 'file') return found.kind !== record.kind || found.mtime !== record.mtime
  if (!sameSizeAndTime(found, record)) return true
  // Other attributes, or another content whose time was set back: then it takes a look inside.
  return !sameFingerprint(found, record) && !(await isContentOf(open, { root: open.root, path: found.path }, record))
}

/** Whether a block of a finished file was found damaged, and so is not served any more. */
function isDamaged({ drive }: OpenDrive, { range }: FileRecord): boolean {
  return range !== null && (drive.blobs?.core.core.bitfield.hasUnset(range.blockOffset, range.blockLength) ?? false)
}
