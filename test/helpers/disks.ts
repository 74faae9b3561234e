import { execFileSync } from 'node:child_process'
import { defer } from './cleanup.js'
import { temporaryFolder } from './core.js'

/** A small disk of its own; needs the superuser of Linux. */
export async function smallDisk(mebibytes: number): Promise<string> {
  const dir = await temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', dir])
  defer(() => execFileSync('umount', ['--lazy', dir]))
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
