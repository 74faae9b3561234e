declare module 'fs-native-extensions' {
  /**
   * Locks a file for whoever has this descriptor, until it is closed.
   * @returns false when somebody else has it locked
   * @throws the system's error, where the file system has no locks
   */
  export function tryLock(fd: number): boolean
}
