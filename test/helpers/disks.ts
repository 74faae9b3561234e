import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './core.js'
import { mountFor } from './mounts.js'

/** A small disk of its own; needs the superuser of Linux. */
export async function smallDisk(mebibytes: number): Promise<string> {
  const dir = await temporaryFolder()
  await mountFor(dir, ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs'])
  return dir
}

/** Whether this process may mount one. */
export const canMount = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** A small disk on which two files can share their bytes; needs what `canShareBytes` says. */
export async function copyOnWriteDisk(mebibytes: number): Promise<string> {
  const folder = await temporaryFolder()
  const image = join(folder, 'image')
  const fd = openSync(image, 'w')
  ftruncateSync(fd, mebibytes * 1024 * 1024)
  closeSync(fd)
  execFileSync('mkfs.btrfs', ['--quiet', image])
  const dir = await temporaryFolder()
  await mountFor(dir, ['-o', 'loop', image])
  return dir
}

/** Whether this process may make one, and has the program for it. */
export const canShareBytes = (() => {
  if (!canMount) return false
  try {
    execFileSync('mkfs.btrfs', ['--version'], { stdio: 'ignore' })
    execFileSync('losetup', ['--find'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
