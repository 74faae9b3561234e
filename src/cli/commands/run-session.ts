import type { Session, Summary } from '../../core/session.js'

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
