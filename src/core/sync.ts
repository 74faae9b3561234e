import { openDrive, placeOf } from './drive.js'
import { findFolder, followClone } from './pull.js'
import type { PullOptions, Session } from './session.js'
import { openShare } from './share.js'

/** Keeps a folder in step until it is closed: a clone follows its share, a folder that you own is shared. */
export async function openSync(options: PullOptions): Promise<Session> {
  const root = await findFolder(options.dir)
  const open = await openDrive({ place: placeOf(root, options.store, options.home), create: null, readOnly: true })
  const { role } = open.identity
  await open.close()
  if (role === 'clone') return followClone(options)
  return openShare({ ...options, path: root, watch: true, once: false, useIgnoreFiles: true, ignore: [] })
}
