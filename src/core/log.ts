import { fileKeyIn, historyKeys, isEntry, stateIn } from './entry.js'
import { type ReadOptions, readDrive } from './read-drive.js'
import { Selection } from './selection.js'

export interface Change {
  /** The version of the share that this change made. */
  version: number
  op: 'put' | 'del'
  path: string
  bytes: number
  /** ISO 8601; null for a share that was not made by dat. */
  date: string | null
}

/** A batch of changes is dated by the marker that follows it; should none come, this many wait for it at most. */
const MAX_UNDATED = 10_000

/** All changes of a share, or of one file or folder in it (`path`), the oldest first. */
export async function* readLog(options: ReadOptions & { path?: string }): AsyncGenerator<Change> {
  const { bee, under, close } = await readDrive(options)
  const selection = new Selection([], [], [under, options.path ?? ''].filter(Boolean).join('/'))
  try {
    let undated: Change[] = []
    for await (const change of bee.createHistoryStream(historyKeys)) {
      if (options.signal.aborted) return
      const { type, seq, value } = change
      const path = fileKeyIn(change.key)?.replace(/^\//, '')
      if (path !== undefined && selection.wants(path)) {
        const bytes = isEntry(value) ? (value.blob?.byteLength ?? 0) : 0
        undated.push({ version: seq + 1, op: type, path, bytes, date: null })
      }
      const state = stateIn(change)
      if (!state && undated.length < MAX_UNDATED) continue
      const time = state ? new Date(state.time) : null
      const date = time && Number.isFinite(time.getTime()) ? time.toISOString() : null
      for (const one of undated) yield { ...one, date }
      undated = []
    }
    yield* undated
  } finally {
    await close()
  }
}
