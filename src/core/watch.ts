import fs from 'node:fs'
import path from 'node:path'
import type { Report } from '../base/events.js'
import { isStoreName } from '../base/safe-path.js'
import { FolderWatches } from './folder-watches.js'

/** A change is looked at once nothing more happened for this long, or after MAX_WAIT_MS at the latest. */
const QUIET_MS = 300
const MAX_WAIT_MS = 5000
/** Where the system cannot watch, everything is listed this often; longer where listing itself takes long. */
const POLL_MS = 30_000
const POLL_FACTOR = 20
/** More changed folders than this are looked at in one pass over everything. */
const MAX_FOLDERS = 64

export interface WatchOptions {
  root: string
  /** Only this file of the folder; null for all of it. */
  only: string | null
  report: Report
  /** Looks at folders that may have changed: `['']` for everything. */
  rescan: (folders: string[]) => Promise<void>
}

export interface Watch {
  /** To be told of each folder ('' or `a/b/`) before it is listed. */
  entering(folder: string): void
  /** Looks again at everything as soon as possible. */
  poke(): void
  close(): Promise<void>
}

/** Follows what happens in a folder. */
export async function watchFolder(options: WatchOptions): Promise<Watch> {
  const changed = new Set<string>()
  let since = 0
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> | null = null
  let closed = false

  const schedule = (delay: number): void => {
    if (closed || running) return
    if (timer) clearTimeout(timer)
    timer = setTimeout(run, delay)
  }
  const note = (folder: string): void => {
    if (changed.size === 0) since = Date.now()
    changed.add(folder)
    schedule(Math.max(0, Math.min(QUIET_MS, since + MAX_WAIT_MS - Date.now())))
  }
  const run = (): void => {
    timer = null
    if (closed || running || changed.size === 0) return
    const folders = changed.size > MAX_FOLDERS ? [''] : outermost([...changed])
    changed.clear()
    running = options.rescan(folders).finally(() => {
      running = null
      if (changed.size > 0) schedule(QUIET_MS)
    })
  }

  let watching: Unsubscribe | null = null
  const giveUp = (): void => {
    const message = 'this system cannot watch the folder: it is looked through from time to time'
    options.report({ type: 'note', message })
    watching = poll(options)
  }
  const byFolder = hasInotify && options.only === null
  const folders = byFolder ? new FolderWatches(options.root, note, giveUp) : null
  if (!byFolder) watching = await subscribe(options, note)
  if (!byFolder && !watching) giveUp()
  return {
    entering: (folder) => {
      folders?.add(folder)
    },
    poke: () => note(''),
    close: async () => {
      closed = true
      if (timer) clearTimeout(timer)
      folders?.close()
      await watching?.()
      await running
    }
  }
}

type Unsubscribe = () => Promise<void>

/**
 * On Linux the system watches folders, not what is below them. The library that does it elsewhere would keep every path
 * of the share in memory: 210 MB for a million files.
 */
const hasInotify = process.platform === 'linux'

/** One watch for everything; null where the system has none. */
async function subscribe({ root, only }: WatchOptions, note: (folder: string) => void): Promise<Unsubscribe | null> {
  try {
    if (only !== null) return watchOne(root, only, note)
    const { default: watcher } = await import('@parcel/watcher')
    const subscription = await watcher.subscribe(
      root,
      (error, events) => {
        // The system lost track, for instance because too much happened at once.
        if (error) return note('')
        for (const event of events) {
          const relative = path.relative(root, event.path).split(path.sep)
          if (relative.some(isStoreName)) continue
          // The folder itself may be new or gone, so the one that it is in is looked at.
          note(relative.length > 1 ? `${relative.slice(0, -1).join('/')}/` : '')
        }
      },
      { ignore: [path.join(root, '.dat')] }
    )
    return () => subscription.unsubscribe()
  } catch {
    return null
  }
}

/** What else is in the folder of a single file may be a whole home: only the folder itself is watched, nothing below. */
function watchOne(root: string, only: string, note: (folder: string) => void): Unsubscribe {
  const watcher = fs.watch(root, (_type, name) => {
    if (name === null || name === only) note('')
  })
  watcher.on('error', () => note(''))
  return async () => watcher.close()
}

function poll({ rescan }: WatchOptions): Unsubscribe {
  let timer: NodeJS.Timeout | null = null
  let running: Promise<void> = Promise.resolve()
  const next = (delay: number): void => {
    timer = setTimeout(() => {
      const start = Date.now()
      running = rescan(['']).then(() => next(Math.max(POLL_MS, (Date.now() - start) * POLL_FACTOR)))
    }, delay)
  }
  next(POLL_MS)
  return async () => {
    if (timer) clearTimeout(timer)
    await running
    if (timer) clearTimeout(timer)
  }
}

/** Leaves out folders that lie in another one of the list. */
function outermost(folders: string[]): string[] {
  if (folders.includes('')) return ['']
  return folders.filter((folder) => !folders.some((other) => other !== folder && folder.startsWith(other))).sort()
}
