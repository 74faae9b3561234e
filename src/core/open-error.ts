import { DatError, fileError, memoryError, systemCode } from '../base/errors.js'
import { describeHolder } from './holder.js'
import type { Place } from './place.js'

/** What the failure to open an index means to the person at the keyboard. */
export async function openError(error: unknown, place: Place): Promise<DatError> {
  if (error instanceof DatError) return error
  const memory = memoryError(error)
  if (memory) return memory
  const cause = error instanceof Error && error.cause instanceof Error ? ` ${error.cause.message}` : ''
  const message = `${error instanceof Error ? error.message : String(error)}${cause}`
  // ENOLCK as RocksDB and Corestore tell it: NFS without a lock daemon, some FUSE and cluster file systems.
  if (/No locks available|ENOLCK|system error -?37\b/i.test(message)) {
    return new DatError('INDEX_LOCKED', `cannot lock the index in ${place.store}: its file system has no locks`, {
      cause: error,
      hint: 'keep the index on another disk of this computer: add --store DIR'
    })
  }
  if (/could not be locked|lock hold by|Resource temporarily unavailable/i.test(message)) {
    const holder = await describeHolder(place.store)
    const who = holder === '' ? '' : `: ${holder}`
    return new DatError('INDEX_LOCKED', `another dat is working in ${place.root}${who}`, { cause: error })
  }
  if (['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS'].includes(systemCode(error))) {
    return fileError(error, `open the index in ${place.store}`)
  }
  if (/no space left|disk quota/i.test(message)) {
    return new DatError('DISK_FULL', `cannot open the index in ${place.store}: the disk is full`, { cause: error })
  }
  return new DatError('INDEX_DAMAGED', `the index in ${place.store} is damaged`, { cause: error })
}
