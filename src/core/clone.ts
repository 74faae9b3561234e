import fs from 'node:fs'
import path from 'node:path'
import { DatError, fileError, systemCode } from '../base/errors.js'
import type { DatEvent } from '../base/events.js'
import { formatLink, shortId } from '../base/link.js'
import { safePath } from '../base/safe-path.js'
import { startDownload } from './download-session.js'
import { hasIndex, type OpenDrive, openDrive, placeOf } from './drive.js'
import { datKeys, INFO, readInfo } from './entry.js'
import { firstContact } from './first-contact.js'
import { alsoAt } from './places.js'
import { readSaved, SAVED_CLONE, type SavedClone } from './saved-clone.js'
import { saveInvite } from './saved-invite.js'
import type { CloneOptions, Session } from './session.js'
import { openTemporary } from './temporary-clone.js'
import { makeTemporaryFolder } from './temporary-folder.js'

/**
 * Clones a share into a new folder, or goes on with a clone that was begun there.
 * @throws DatError NO_VERSION, DESTINATION_OCCUPIED, DESTINATION_OTHER, INDEX_LOCKED, INDEX_DAMAGED, NO_PEER (without a
 * folder the name of the share must be asked for first); later NO_PEER, PARTIAL, ALTERED, DISK_FULL
 */
export async function openClone(given: CloneOptions): Promise<Session> {
  const { link } = given
  const network = alsoAt(given.network, link)
  const options = { ...given, network }
  const root = path.resolve(options.dir ?? path.join(options.parent, await proposeName(options)))
  if (options.dryRun && !hasIndex(placeOf(root, options.store).store)) return openTrial(options, root)
  const open = await openDestination(options, root)
  const { include, exclude } = options
  const pin = given.version ?? link.version
  const { addresses, relays } = link
  const invite = given.invited?.invite ?? (await readSaved(open)).invite
  const saved: SavedClone = { addresses, relays, under: link.path, include, exclude, version: pin, invite }
  const batch = open.index.batch()
  batch.putMeta(SAVED_CLONE, saved)
  await batch.flush()
  if (given.invited) await saveInvite(open, given.invited.saved)
  const text = formatLink(link.key, { addresses: link.addresses, relays: link.relays })
  const { join, asker } = given.invited ?? {}
  return startDownload({ ...options, open, link: text, under: link.path, pin, follow: false, join, asker })
}

/** A dry run of a clone that does not exist: leaves nothing behind. */
async function openTrial(options: CloneOptions, root: string): Promise<Session> {
  const { link } = options
  if (fs.existsSync(root) && !(await isEmptyFolder(root))) throw occupied(options.dir ?? path.basename(root))
  const folder = await makeTemporaryFolder('trial')
  const remove = () => folder.remove()
  try {
    const open = await openDrive({
      place: { root: folder.path, store: folder.path },
      create: { role: 'clone', key: link.key }
    })
    const session = await startDownload({
      ...options,
      open,
      link: formatLink(link.key),
      under: link.path,
      pin: options.version ?? link.version,
      follow: false,
      join: options.invited?.join,
      asker: options.invited?.asker
    })
    return { link: session.link, dir: root, finished: session.finished, close: () => session.close().finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

async function isEmptyFolder(folder: string): Promise<boolean> {
  return (await fs.promises.readdir(folder).catch(() => ['?'])).length === 0
}

function occupied(name: string): DatError {
  return new DatError('DESTINATION_OCCUPIED', `the folder ${name} exists and has files in it`)
}

async function openDestination(options: CloneOptions, root: string): Promise<OpenDrive> {
  const { key } = options.link
  const place = placeOf(root, options.store)
  const name = options.dir ?? path.basename(root)
  let entries: string[] = []
  try {
    entries = await fs.promises.readdir(root)
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR')
      throw new DatError('DESTINATION_OCCUPIED', `${name} exists and is not a folder`)
    if (systemCode(error) !== 'ENOENT') throw fileError(error, `read ${name}`)
    try {
      await fs.promises.mkdir(root, { recursive: true })
    } catch (cause) {
      throw fileError(cause, `make the folder ${name}`)
    }
  }
  if (!hasIndex(place.store) && entries.length > 0) {
    throw occupied(name)
  }
  const open = await openDrive({ place, create: { role: 'clone', key }, work: 'clone' })
  if (open.identity.key === key.toString('hex') && open.identity.role === 'clone') return open
  await open.close()
  if (open.identity.role === 'owner' && open.identity.key === key.toString('hex')) {
    throw new DatError('DESTINATION_OTHER', `${name} is the shared folder itself`)
  }
  throw new DatError('DESTINATION_OTHER', `${name} belongs to another link`)
}

/** A peer that says nothing more is not waited for long: the name is only a proposal. */
const NAME_MS = 15_000

/** Asks a peer what the share is called. Never answers the key, nor a name that could lead elsewhere. */
async function proposeName(options: CloneOptions): Promise<string> {
  const { link, network, invited, timeout, endEarly = false, signal } = options
  const clone = await openTemporary('name', { key: link.key, network, report: () => {}, ...invited })
  try {
    const { open, replication } = clone
    // Who is connected is told by the download itself, that nobody is there must be told now.
    const report = (event: DatEvent) => event.type === 'stalled' && options.report(event)
    if (!(await firstContact(open, replication, { timeout, endEarly, report, signal })))
      throw new DatError('INTERRUPTED', 'interrupted')
    const entry = await open.drive.db.get<unknown>(INFO, { ...datKeys, timeout: NAME_MS }).catch(() => null)
    const info = readInfo(entry?.value)
    return folderName(info?.name ?? '', info?.file ?? false) ?? `share-${shortId(open.drive.discoveryKey)}`
  } finally {
    await clone.close()
  }
}

/** Nothing that an option could be taken for, nor a hidden name: a clone in the home folder must not become `.ssh`. */
function folderName(name: string, file: boolean): string | null {
  const checked = safePath(name)
  if (!checked.ok || checked.relative.includes('/') || /^[-.]/.test(checked.relative)) return null
  if (!file) return checked.relative
  // A share of one file is cloned into a folder too, which needs another name than the file.
  const stem = path.posix.parse(checked.relative).name
  return stem === checked.relative ? `${stem}-share` : stem
}
