import type { EntryValue } from 'hyperdrive'
import { DatError } from '../base/errors.js'
import { datKeys, FOLDERS, fileKeys, folderOfKey, isEntry, mtimeOf } from './entry.js'
import { type ReadOptions, readDrive } from './read-drive.js'
import { Selection } from './selection.js'

export interface Listed {
  path: string
  bytes: number
  /** Milliseconds since 1970; null if the share does not say. */
  modified: number | null
  kind: 'file' | 'link' | 'folder'
  executable: boolean
}

/** Lists a share, or one folder or file of it (`path`), without fetching content. */
export async function* listFiles(options: ReadOptions & { path: string }): AsyncGenerator<Listed> {
  const { bee, under, close } = await readDrive(options)
  try {
    const wanted = [under, options.path.replace(/^\.?\/+|\/+$/g, '')].filter(Boolean).join('/')
    const selection = new Selection([], [], wanted === '.' ? '' : wanted)
    let any = false
    for await (const { key, value } of bee.createReadStream<EntryValue>({}, fileKeys)) {
      const path = key.replace(/^\//, '')
      if (options.signal.aborted) return
      if (!selection.wants(path) || !isEntry(value)) continue
      any = true
      const kind = value.linkname ? 'link' : 'file'
      const bytes = value.blob?.byteLength ?? 0
      yield { path, bytes, modified: mtimeOf(value), kind, executable: value.executable === true }
    }
    for await (const { key } of bee.createReadStream<unknown>(FOLDERS, datKeys)) {
      const path = folderOfKey(key)
      if (!selection.wants(path.replace(/\/$/, ''))) continue
      any = true
      yield { path: path.replace(/\/$/, ''), bytes: 0, modified: null, kind: 'folder', executable: false }
    }
    if (!any && !selection.everything) {
      throw new DatError('USAGE', `there is no ${wanted} in this share`, {
        hint: 'run `dat ls` without a path to see all'
      })
    }
  } finally {
    await close()
  }
}
