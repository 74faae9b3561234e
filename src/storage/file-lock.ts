import type { FileHandle } from 'node:fs/promises'
import { tryLock } from 'fs-native-extensions'

/**
 * Locks a file that is open for writing. The system lets go of it when the handle is closed, however the process ends:
 * a process that holds it lives.
 * @returns false when somebody holds it, in this process or in another, on whatever computer
 * @throws the system's error, where the file system has no locks
 */
export function holdFile(handle: FileHandle): boolean {
  return tryLock(handle.fd)
}
