import fs from 'node:fs'
import path from 'node:path'
import type { Report } from '../base/events.js'
import { isStoreName } from '../base/safe-path.js'

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

  const unsubscribe = (await subscribe(options, note)) ?? poll(options)
  return {
    poke: () => note(''),
    close: async () => {
      closed = true
      if (timer) clearTimeout(timer)
      await unsubscribe()
      await running
    }
  }
}

type Unsubscribe = () => Promise<void>

async function subscribe(
  { root, only, report }: WatchOptions,
  note: (folder: string) => void
): Promise<Unsubscribe | null> {
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
    report({ type: 'note', message: 'this system cannot watch the folder: it is looked through from time to time' })
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
