import fs from 'node:fs'
import path from 'node:path'
import type { Beneath, Folders } from './beneath.js'
import { copy } from './file-copy.js'
import { type Fingerprint, fingerprintOf, holesOf } from './file-record.js'
import {
  type EditJob,
  type EditResult,
  fileTime,
  type InTheWay,
  type PlaceJob,
  type PlaceResult
} from './file-tasks.js'
import { readFully } from './read-fully.js'

// What workers do to the names in a folder. Each operation is on one name in an open folder (`Folders`), follows no
// link that has this name, and says what it found if it is not what was expected.

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants

/** Two files are compared in pieces of this size. */
const COMPARE_BYTES = 1024 * 1024

/** What dat put in a place, and may replace. */
type Ours = PlaceJob['replace']

/** Gives a finished file its time, mode and name. */
export function placeFile(folders: Folders, job: PlaceJob): PlaceResult {
  try {
    return place(folders, job)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    // Another thread may have removed the folder that was just made for it, since it was empty.
    folders.close()
    return place(folders, job)
  }
}

function place(folders: Folders, { from, to, mtime, mode, replace, force }: PlaceJob): PlaceResult {
  const source = folders.reach(from)
  const target = folders.reach(to, 0o777)
  if (mode !== null) setMode(source, mode)
  if (mtime !== null) tolerate(() => fs.lutimesSync(source, fileTime(mtime), fileTime(mtime)))
  if (!(replace || force) && claim(source, target)) return fingerprintOf(fs.lstatSync(target))
  const before = lookAt(target)
  const now = before && fs.lstatSync(source)
  if (before && now && before.ino === now.ino && before.dev === now.dev) {
    // An interruption came between its new name and the end of the old one.
    fs.unlinkSync(source)
    return fingerprintOf(before)
  }
  const obstacle = before && clear(target, before, replace, force)
  // What is there already is in nobody's way: it was put there just before an end that the index did not see.
  if (obstacle && !(before?.isFile() && sameContent(folders, from, to))) return obstacle
  fs.renameSync(source, target)
  return fingerprintOf(fs.lstatSync(target))
}

/** Gives a file another name, unless something has it already: unlike a rename, this replaces nothing. */
function claim(source: string, target: string): boolean {
  try {
    fs.linkSync(source, target)
  } catch (error) {
    // Not all file systems can have two names for one file, so whatever it was, it is looked at more closely.
    if (codeOf(error) === 'ENOENT') throw error
    return false
  }
  fs.unlinkSync(source)
  return true
}

/** Whether the name may be used for something else now; an empty folder goes, a file waits to be replaced. */
function clear(target: string, before: fs.Stats, ours: Ours, force: boolean): InTheWay | null {
  if (before.isDirectory()) return removeEmpty(target) ? null : { inTheWay: 'folder' }
  if (force) return null
  if (!ours) return { inTheWay: 'foreign' }
  return ours.mtime === before.mtimeMs && ours.inode === before.ino ? null : { inTheWay: 'altered' }
}

function sameContent(folders: Folders, one: Beneath, other: Beneath): boolean {
  const fds = [folders.open(one, O_RDONLY | O_NONBLOCK)]
  try {
    fds.push(folders.open(other, O_RDONLY | O_NONBLOCK))
    const [a, b] = fds as [number, number]
    const { size } = fs.fstatSync(a)
    if (size !== fs.fstatSync(b).size) return false
    const [ours, theirs] = [Buffer.allocUnsafe(COMPARE_BYTES), Buffer.allocUnsafe(COMPARE_BYTES)]
    for (let done = 0; done < size; done += COMPARE_BYTES) {
      const length = Math.min(COMPARE_BYTES, size - done)
      if (!readFully(a, ours, length, done) || !readFully(b, theirs, length, done)) return false
      if (!ours.subarray(0, length).equals(theirs.subarray(0, length))) return false
    }
    return true
  } finally {
    for (const fd of fds) fs.closeSync(fd)
  }
}

/** Carries out one change to what a folder has. */
export function edit(folders: Folders, job: EditJob): EditResult {
  switch (job.edit) {
    case 'look':
      return look(folders, job.at)
    case 'make':
      folders.folder(job.at, job.mode)
      return {}
    case 'prune':
      prune(folders, job.at)
      return {}
    case 'remove':
      return remove(folders, job.at, job.unless)
    case 'link':
      return link(folders, job)
    case 'dress':
      return dress(folders.reach(job.at), job.mtime, job.mode)
    case 'copy':
      copy(folders, job)
      return {}
    case 'move':
      fs.renameSync(folders.reach(job.at), folders.reach(job.to))
      return {}
  }
}

function look(folders: Folders, at: Beneath): EditResult {
  const file = folders.reach(at)
  const stats = fs.lstatSync(file)
  const kind = stats.isFile() ? 'file' : stats.isSymbolicLink() ? 'link' : stats.isDirectory() ? 'folder' : 'other'
  const target = kind === 'link' ? fs.readlinkSync(file) : ''
  const executable = kind === 'file' && (stats.mode & 0o100) !== 0
  return { ...fingerprintOf(stats), kind, target, executable, holes: kind === 'file' ? holesOf(stats) : 0 }
}

/** Removes a folder if it is empty, and those above that become empty; never the root. */
function prune(folders: Folders, { root, path: relative }: Beneath): void {
  for (let folder = relative; folder !== '.' && folder !== ''; folder = path.posix.dirname(folder)) {
    try {
      if (!removeEmpty(folders.reach({ root, path: folder }))) return
    } catch {
      return
    }
    // It may be held: what is made anew under its name is another.
    folders.close()
  }
}

/** Removes a file or link, never a folder. @param unless it is another than this; null removes whatever it is */
function remove(folders: Folders, at: Beneath, unless: Ours): EditResult {
  let file: string
  try {
    file = folders.reach(at)
    const stats = lookAt(file)
    if (!stats) return {}
    if (stats.isDirectory()) return { inTheWay: 'folder' }
    if (unless && !(unless.mtime === stats.mtimeMs && unless.inode === stats.ino)) return { inTheWay: 'altered' }
    fs.unlinkSync(file)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELINK'].includes(codeOf(error))) throw error
  }
  return {}
}

function link(folders: Folders, { at, target, replace, force }: EditJob & { edit: 'link' }): EditResult {
  const file = folders.reach(at, 0o777)
  const before = lookAt(file)
  const obstacle = before && clear(file, before, replace, force)
  if (obstacle) return obstacle
  if (before && !before.isDirectory()) fs.unlinkSync(file)
  try {
    fs.symlinkSync(target, file)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return { inTheWay: 'foreign' }
    throw error
  }
  return fingerprintOf(fs.lstatSync(file))
}

function dress(file: string, mtime: number | null, mode: number): Fingerprint {
  setMode(file, mode)
  if (mtime !== null) tolerate(() => fs.lutimesSync(file, fileTime(mtime), fileTime(mtime)))
  return fingerprintOf(fs.lstatSync(file))
}

function setMode(file: string, mode: number): void {
  let fd: number
  try {
    fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    // Who may not read a file of his own leaves its bits as they are.
    if (codeOf(error) === 'EACCES') return
    throw error
  }
  try {
    tolerate(() => fs.fchmodSync(fd, mode))
  } finally {
    fs.closeSync(fd)
  }
}

/** Removes a folder that is empty. */
function removeEmpty(folder: string): boolean {
  try {
    fs.rmdirSync(folder)
    return true
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES', 'EBUSY', 'ENOENT', 'ENOTDIR'].includes(codeOf(error))) return false
    throw error
  }
}

function lookAt(file: string): fs.Stats | undefined {
  return fs.lstatSync(file, { throwIfNoEntry: false })
}

/** File systems such as FAT or some network mounts keep neither times nor modes: the content matters more. */
function tolerate(operation: () => void): void {
  try {
    operation()
  } catch (error) {
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'].includes(codeOf(error))) throw error
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
