import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Folder trees: are two the same, and what does one take on the disk. */

const CHUNK = 1024 * 1024
const INDEX_FOLDER = '.dat'

/**
 * Compares two folders: names, kinds, link targets, executable bits, sizes and every byte. `.dat` is left out.
 * @param {string} left
 * @param {string} right
 * @param {{ emptyFolders?: boolean, times?: boolean }} [options] whether empty folders and mtimes count
 * @returns {Promise<{ files: number, links: number, folders: number, bytes: number, differences: string[] }>}
 */
export async function compareTrees(left, right, options = {}) {
  const result = { files: 0, links: 0, folders: 0, bytes: 0, differences: [] }
  await compareFolders(left, right, '', { emptyFolders: true, times: false, ...options }, result)
  return result
}

/**
 * What a folder takes on the disk, in bytes (blocks in use, so that preallocated space counts and holes don't).
 * A folder that is not there takes nothing.
 */
export async function diskUsage(path) {
  const info = await lstat(path).catch(() => null)
  if (info === null) return 0
  let bytes = info.blocks * 512
  if (info.isDirectory()) {
    for (const name of await readdir(path).catch(() => [])) bytes += await diskUsage(join(path, name))
  }
  return bytes
}

async function compareFolders(left, right, path, options, result) {
  const [ours, theirs] = await Promise.all([namesIn(join(left, path)), namesIn(join(right, path))])
  const there = new Set(theirs)
  for (const name of ours) {
    const inner = join(path, name)
    if (there.delete(name)) await compareEntries(left, right, inner, options, result)
    else if (options.emptyFolders || !(await isEmptyFolder(join(left, inner)))) {
      result.differences.push(`${inner}: missing in the copy`)
    }
  }
  for (const name of there) result.differences.push(`${join(path, name)}: only in the copy`)
}

async function namesIn(folder) {
  return (await readdir(folder)).filter((name) => name !== INDEX_FOLDER).sort()
}

async function isEmptyFolder(path) {
  return (await lstat(path)).isDirectory() && (await readdir(path)).length === 0
}

async function compareEntries(left, right, path, options, result) {
  const [a, b] = await Promise.all([lstat(join(left, path)), lstat(join(right, path))])
  const differ = (what) => result.differences.push(`${path}: ${what}`)
  if (kindOf(a) !== kindOf(b)) return differ(`${kindOf(a)} became ${kindOf(b)}`)
  if (a.isDirectory()) {
    result.folders++
    return compareFolders(left, right, path, options, result)
  }
  if (a.isSymbolicLink()) {
    result.links++
    const [to, copied] = await Promise.all([readlink(join(left, path)), readlink(join(right, path))])
    return to === copied ? undefined : differ(`the link points to ${copied} instead of ${to}`)
  }
  result.files++
  result.bytes += a.size
  if ((a.mode & 0o100) !== (b.mode & 0o100)) differ('the executable bit differs')
  if (options.times && Math.abs(a.mtimeMs - b.mtimeMs) > 1) differ('the time of the last change differs')
  if (a.size !== b.size) return differ(`${a.size} bytes became ${b.size}`)
  if (!(await sameBytes(join(left, path), join(right, path)))) differ('the content differs')
}

function kindOf(info) {
  if (info.isDirectory()) return 'a folder'
  if (info.isSymbolicLink()) return 'a link'
  return info.isFile() ? 'a file' : 'something else'
}

async function sameBytes(left, right) {
  const [a, b] = await Promise.all([open(left), open(right)])
  try {
    const { size } = await a.stat()
    const room = Math.min(CHUNK, size + 1)
    const [one, two] = [Buffer.allocUnsafe(room), Buffer.allocUnsafe(room)]
    for (let position = 0; ; ) {
      const [read, other] = await Promise.all([a.read(one, 0, room, position), b.read(two, 0, room, position)])
      if (read.bytesRead !== other.bytesRead) return false
      if (read.bytesRead === 0) return true
      if (!one.subarray(0, read.bytesRead).equals(two.subarray(0, read.bytesRead))) return false
      position += read.bytesRead
    }
  } finally {
    await Promise.all([a.close(), b.close()])
  }
}
