import { systemCode } from '../../base/errors.js'
import { findProcess, type ProcessIdentity } from './identity.js'

/** A share that is asked to end has two seconds to close (cli/main.ts); a loaded computer gets more. */
const NICE_MS = 15_000
const FORCED_MS = 5000
const LOOK_MS = 50

/**
 * Ends a share as Ctrl-C does, and waits for it. The process is looked at each time before it gets a signal: its number
 * may belong to another one meanwhile.
 * @param force end it at once if it does not end by itself
 * @returns how it ended: `refused` if it still runs
 */
export async function endProcess(
  share: ProcessIdentity,
  { force, signal, niceMs = NICE_MS }: { force: boolean; signal: AbortSignal; niceMs?: number }
): Promise<'stopped' | 'killed' | 'refused'> {
  if (await ends(share, 'SIGTERM', niceMs, signal)) return 'stopped'
  if (!force) return 'refused'
  return (await ends(share, 'SIGKILL', FORCED_MS, signal)) ? 'killed' : 'refused'
}

async function ends(share: ProcessIdentity, by: NodeJS.Signals, limit: number, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + limit
  let sent = false
  while ((await findProcess(share)) === 'running') {
    if (signal.aborted) throw signal.reason
    if (!sent) send(share.pid, by)
    sent = true
    if (performance.now() > until) return false
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  return true
}

function send(pid: number, by: NodeJS.Signals): void {
  try {
    process.kill(pid, by)
  } catch (error) {
    // It has just ended.
    if (systemCode(error) !== 'ESRCH') throw error
  }
}
