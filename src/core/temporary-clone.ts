import { Scope } from '../base/scope.js'
import { type OpenDrive, openDrive } from './drive.js'
import { Replication, type ReplicationOptions } from './replication.js'
import { makeTemporaryFolder, type TemporaryUse } from './temporary-folder.js'

/** A share as its peers have it. Its index goes away when it is closed. */
export interface TemporaryClone {
  readonly open: OpenDrive
  readonly replication: Replication
  close(): Promise<void>
}

/**
 * Opens a share that is somewhere else, to look at it: nothing of it stays here. Resolves once the network is open;
 * peers are looked for meanwhile.
 * @param use in the name of its folder
 */
export async function openTemporary(
  use: TemporaryUse,
  { key, ...options }: { key: Buffer } & Omit<ReplicationOptions, 'open'>
): Promise<TemporaryClone> {
  const scope = new Scope()
  try {
    const folder = await makeTemporaryFolder(use)
    scope.defer(() => folder.remove())
    const open = await openDrive({ place: { root: folder.path, store: folder.path }, create: { role: 'clone', key } })
    scope.defer(() => open.close())
    const replication = await Replication.start({ ...options, open })
    scope.defer(() => replication.close())
    return { open, replication, close: () => scope.close() }
  } catch (error) {
    await scope.close().catch(() => {})
    throw error
  }
}
