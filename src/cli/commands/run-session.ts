import type { DatEvent } from '../../base/events.js'
import { formatBytes } from '../../base/sizes.js'
import { printable } from '../../base/terminal-text.js'
import { alsoAt, type Places } from '../../core/places.js'
import type { DownloadOptions, Session, Summary } from '../../core/session.js'
import type { Context } from '../context.js'
import { countOf } from '../ui/format.js'
import { explainWaiting } from './waiting.js'

/**
 * Lives through a session: until it is finished or interrupted, and closes it in both cases.
 * @throws the reason of the signal when interrupted, or what the session failed with
 */
export async function runSession(session: Session, signal: AbortSignal): Promise<Summary | null> {
  try {
    return await Promise.race([session.finished, interruption(signal)])
  } finally {
    await session.close()
  }
}

function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

const BEGINNING = {
  clone: (dir: string) => `Downloading into ${dir}`,
  pull: (dir: string) => `Updating ${dir}`,
  sync: (dir: string, closed: boolean) =>
    `Keeping ${dir} up to date${closed ? '' : ' and sharing it with others'}; Ctrl-C stops.`
}

/** Lives through a clone, pull or sync, and says where it works; of a dry run, what it would have done. */
export async function runDownload<Options extends DownloadOptions & { link?: Places }>(
  context: Context,
  work: keyof typeof BEGINNING,
  options: Options,
  open: (options: Options) => Promise<Session>
): Promise<void> {
  const { ui, signal } = context
  ui.begin(work, options)
  if (!options.dryRun) {
    const network = options.link ? alsoAt(options.network, options.link) : options.network
    const waiting = explainWaiting({ ...options, network }, { from: 'waiting' })
    try {
      let closed = false
      const report = (event: DatEvent) => {
        if (event.type === 'link') closed = event.gate === 'closed'
        waiting.report(event)
      }
      const session = await open({ ...options, report })
      ui.info(BEGINNING[work](printable(session.dir), closed))
      await runSession(session, signal)
    } finally {
      waiting.close()
    }
    return
  }
  const plan = new Plan()
  const report = (event: DatEvent) => {
    plan.add(event)
    options.report(event)
  }
  await runSession(await open({ ...options, report }), signal)
  ui.info(plan.text)
}

/** What a dry run found. */
class Plan {
  #get = 0
  #bytes = 0
  #remove = 0

  add(event: DatEvent): void {
    if (event.type !== 'file.planned') return
    if (event.action === 'remove') this.#remove++
    else {
      this.#get++
      this.#bytes += event.bytes
    }
  }

  get text(): string {
    if (this.#get + this.#remove === 0) return 'dry run: everything is up to date'
    const removed = this.#remove > 0 ? `, ${countOf(this.#remove, 'file')} would be removed` : ''
    return `dry run: ${countOf(this.#get, 'file')} would be downloaded (${formatBytes(this.#bytes)})${removed}`
  }
}
