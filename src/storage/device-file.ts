import fs from 'node:fs'
import path from 'node:path'

/**
 * hypercore-storage keeps in a file, CORESTORE, which inode that file has, and opens nothing where it has another: so a
 * database that was copied, restored from a backup or moved to another disk is refused. Whether a copy may be used is
 * for dat to decide, which knows where the original is (core/whereabouts).
 */
const FILE = 'CORESTORE'

/** Whether a database was not opened for that reason, and no other. */
export function isMovedDatabase(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as NodeJS.ErrnoException).code === 'DEVICE_FILE')
      return /moved unsafely|was modified/.test(cause.message)
  }
  return false
}

/** Lets a copied database be opened where it is now. */
export async function settleDatabase(folder: string): Promise<void> {
  const file = path.join(folder, FILE)
  const draft = `${file}.new`
  const lines = (await fs.promises.readFile(file, 'utf8')).split('\n')
  // An extended attribute, where the file system has them, goes with the old file: a new one has none.
  const kept = lines.filter((line) => line !== '' && !/^device\/(?:inode|created|attribute|platform)=/.test(line))
  // Anew, since the time of its making must be that of the file.
  await fs.promises.rm(draft, { force: true })
  const handle = await fs.promises.open(draft, 'wx', 0o600)
  try {
    const { ino } = await handle.stat()
    const device = [`device/platform=${process.platform}`, `device/inode=${ino}`, `device/created=${Date.now()}`]
    await handle.writeFile(`${[...kept, ...device].join('\n')}\n`)
  } finally {
    await handle.close()
  }
  await fs.promises.rename(draft, file)
}
