import type Hypercore from 'hypercore'
import type { RangeDownload } from 'hypercore'
import type { DownloadTask } from './download-task.js'
import type { Replication } from './replication.js'

interface Run {
  start: number
  end: number
  tasks: number
  download: RangeDownload
}

/** Asks for blocks: files that lie one after the other are asked for as one range, which costs the replicator least. */
export class Requests {
  readonly #content: Hypercore
  readonly #replication: Replication
  readonly #runs = new Map<DownloadTask, Run>()
  #closed = false

  constructor(content: Hypercore, replication: Replication) {
    this.#content = content
    this.#replication = replication
  }

  add(tasks: readonly DownloadTask[]): void {
    if (this.#closed) return
    const wanted = tasks.filter(({ missing }) => missing > 0)
    wanted.sort((a, b) => a.range.blockOffset - b.range.blockOffset)
    const bytes = wanted.reduce((sum, { range }) => sum + range.byteLength, 0)
    const blocks = wanted.reduce((sum, { range }) => sum + range.blockLength, 0)
    if (blocks > 0) this.#replication.tune(bytes / blocks)

    for (let i = 0; i < wanted.length; ) {
      const first = wanted[i] as DownloadTask
      const start = first.range.blockOffset
      let end = start
      const members: DownloadTask[] = []
      for (let task = wanted[i]; task && task.range.blockOffset === end; task = wanted[++i]) {
        members.push(task)
        end += task.range.blockLength
      }
      // In order: then files finish one after the other, and the other side reads its disk ahead.
      const download = this.#content.download({ start, end, linear: true })
      const run = { start, end, tasks: members.length, download }
      for (const member of members) this.#runs.set(member, run)
    }
  }

  /** A file needs no more blocks, because it has them all or is no longer wanted. */
  done(task: DownloadTask): void {
    const run = this.#runs.get(task)
    if (!run) return
    this.#runs.delete(task)
    if (--run.tasks === 0) run.download.destroy()
  }

  close(): void {
    this.#closed = true
    for (const { download } of this.#runs.values()) download.destroy()
    this.#runs.clear()
  }
}
