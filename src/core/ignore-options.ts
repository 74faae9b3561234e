import type { OpenDrive } from './drive.js'
import { IgnoreRules } from './ignore.js'

/** Index meta of a share: what `dat share` was told to leave out, for whatever lists the folder again. */
const IGNORE = 'ignore'

export interface IgnoreOptions {
  /** Read .datignore files, and leave out the default list. */
  useIgnoreFiles: boolean
  /** Further patterns. */
  ignore: string[]
}

export async function saveIgnoreOptions(open: OpenDrive, { useIgnoreFiles, ignore }: IgnoreOptions): Promise<void> {
  const batch = open.index.batch()
  batch.putMeta(IGNORE, { useIgnoreFiles, ignore })
  await batch.flush()
}

/** What the last `dat share` of this folder was told; null if there was none. */
export async function readIgnoreOptions(open: OpenDrive): Promise<IgnoreOptions | null> {
  return await open.index.getMeta<IgnoreOptions>(IGNORE)
}

/** The rules of the last `dat share` of this folder. */
export async function savedRules(open: OpenDrive): Promise<IgnoreRules> {
  const saved = await readIgnoreOptions(open)
  return IgnoreRules.root(saved?.ignore ?? [], saved?.useIgnoreFiles ?? true)
}
