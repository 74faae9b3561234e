import type { EntryValue } from 'hyperdrive'
import { formatLink } from '../base/link.js'
import type { FileRecord } from '../storage/file-record.js'
import { compareWithIndex } from './compare.js'
import { type OpenDrive, openDrive, placeOf } from './drive.js'
import { datKeys, fileKeys, isEntry, pathOfKey, readState, STATE } from './entry.js'
import { IgnoreRules } from './ignore.js'
import { savedRules } from './ignore-options.js'
import { findFolder, readSaved } from './pull.js'
import { Selection } from './selection.js'
import { QUIETLY, type WalkOptions } from './walk.js'

export interface Status {
  link: string
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

/** Looks at a share or clone of this computer, without the network and without its lock. */
export async function readStatus(options: { dir: string; store: string | null; signal: AbortSignal }): Promise<Status> {
  const root = await findFolder(options.dir)
  const open = await openDrive({ place: placeOf(root, options.store), create: null, readOnly: true })
  try {
    const { drive, identity } = open
    const saved = await readSaved(open)
    const selection = new Selection(saved.include, saved.exclude, saved.under)
    const missing =
      identity.role === 'clone'
        ? await findMissing(open, selection)
        : { files: 0, bytes: 0, paths: [], missingBytes: 0 }
    const header = drive.core.length > 0 ? await drive.db.get<unknown>(STATE, datKeys) : null
    const state = readState(header?.value)
    const changed = await findChanges(open)
    return {
      link: formatLink(drive.key, saved),
      role: identity.role,
      dir: root,
      version: drive.version,
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

async function findMissing(open: OpenDrive, selection: Selection) {
  const result = { files: 0, bytes: 0, paths: [] as Status['missing'], missingBytes: 0 }
  if (open.drive.core.length === 0) return result
  for await (const { key, value } of open.drive.db.createReadStream<EntryValue>({}, fileKeys)) {
    const bytes = isEntry(value) ? (value.blob?.byteLength ?? 0) : 0
    result.files++
    result.bytes += bytes
    const checked = pathOfKey(key)
    if (checked.ok && !selection.wants(checked.relative)) continue
    const record = checked.ok ? await open.index.get(checked.relative) : null
    if (record?.state === 'done') continue
    const reason = !checked.ok ? checked.reason : record ? 'partly downloaded' : 'not downloaded yet'
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
      else if (found.mtime !== record.mtime || found.size !== sizeOnDisk(record, found.size)) {
        changed.push({ path: record.path, reason: 'changed' })
      }
    }
  }
  return changed
}

/** A link's own size says nothing of the share. */
function sizeOnDisk(record: FileRecord, size: number): number {
  return record.kind === 'link' ? size : record.size
}
