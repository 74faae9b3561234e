import fs from 'node:fs'
import { CAN_HOLD, type Folders } from './beneath.js'
import { holesOf } from './file-record.js'
import type { EditJob } from './file-tasks.js'
import { copySparse } from './sparse-file.js'

const {
  O_RDONLY,
  O_WRONLY,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW = 0,
  O_NONBLOCK = 0,
  COPYFILE_EXCL,
  COPYFILE_FICLONE,
  COPYFILE_FICLONE_FORCE
} = fs.constants

/** Makes a new file, empty or with the content and the holes of another one, if that is what it was. */
export function copy(folders: Folders, { at, from }: EditJob & { edit: 'copy' }): void {
  const file = folders.reach(at, 0o700)
  fs.rmSync(file, { force: true })
  if (!from) {
    fs.closeSync(create(file))
    return
  }
  const fd = folders.open(from, O_RDONLY | O_NONBLOCK)
  try {
    const stats = fs.fstatSync(fd)
    if (!stats.isFile()) throw new Error('the file that it is a copy of is not there any more')
    // The open file itself, whatever its name leads to by now.
    const source = CAN_HOLD ? `/proc/self/fd/${fd}` : folders.reach(from)
    if (holesOf(stats) === 0) fs.copyFileSync(source, file, COPYFILE_FICLONE | COPYFILE_EXCL)
    else if (!reflink(source, file)) copyHoles(fd, file, stats.size)
  } finally {
    fs.closeSync(fd)
  }
}

function reflink(source: string, file: string): boolean {
  try {
    fs.copyFileSync(source, file, COPYFILE_FICLONE_FORCE | COPYFILE_EXCL)
    return true
  } catch {
    // Not all file systems can. What stands in the way of any copy is met again by the other one.
    fs.rmSync(file, { force: true })
    return false
  }
}

/** The system's copy would write all zeros out. */
function copyHoles(fd: number, file: string, size: number): void {
  const target = create(file)
  try {
    copySparse(fd, target, size)
  } finally {
    fs.closeSync(target)
  }
}

function create(file: string): number {
  return fs.openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666)
}
