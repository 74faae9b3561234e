import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

const CHUNK = Buffer.alloc(4 * 1024 * 1024, 1)

/**
 * Sees to it that what a run writes goes to memory that the machine really has. A virtual machine that gives its free
 * memory back to the host pays up to 3 s for each GiB that it takes again, ten times what writing costs otherwise, and
 * whoever runs first after a pause would pay for all.
 * @param {string} folder on the file system that the run writes to
 * @param {number} bytes that it will write
 */
export async function warmMemory(folder, bytes) {
  const file = join(folder, 'warm')
  const handle = await open(file, 'w')
  try {
    for (let done = 0; done < bytes; done += CHUNK.length) await handle.write(CHUNK)
  } finally {
    await handle.close()
    await rm(file)
  }
}
