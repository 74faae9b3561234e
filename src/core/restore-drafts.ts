import type { Beneath } from '../storage/beneath.js'
import { isTaskError } from '../storage/file-tasks.js'
import type { OpenDrive } from './drive.js'
import { isRunning } from './holder.js'

/** Files that are made beside the others before they come to their places, named by the process that makes them. */
export class RestoreDrafts {
  readonly #open: OpenDrive
  #serial = 0

  constructor(open: OpenDrive) {
    this.#open = open
  }

  next(): Beneath {
    return this.#file(`restore-${process.pid}-${++this.#serial}`)
  }

  /** Removes what others left behind that were killed. */
  async cleanUp(): Promise<void> {
    const { workers, files } = this.#open
    const listed = await workers.list({ folder: files.partials.folder })
    if (isTaskError(listed)) return
    for (const name of listed.names) {
      const pid = Number(/^restore-(\d{1,10})-\d+$/.exec(name)?.[1] ?? 0)
      if (pid > 0 && !isRunning(pid)) await workers.edit({ edit: 'remove', at: this.#file(name), unless: null })
    }
  }

  #file(name: string): Beneath {
    const { root, path } = this.#open.files.partials.folder
    return { root, path: `${path}/${name}` }
  }
}
