/** A signal that fires after a time or with another signal, whichever is first, and whose timer can be cleared. */
export interface Deadline {
  signal: AbortSignal
  /** Fires now. */
  abort(): void
  close(): void
}

/** @param ms milliseconds */
export function deadline(ms: number, outer: AbortSignal): Deadline {
  const controller = new AbortController()
  const fire = () => controller.abort(outer.reason)
  const timer = setTimeout(() => controller.abort(new Error('time is up')), ms)
  if (outer.aborted) fire()
  outer.addEventListener('abort', fire, { once: true })
  return {
    signal: controller.signal,
    abort: () => controller.abort(new Error('time is up')),
    close: () => {
      clearTimeout(timer)
      outer.removeEventListener('abort', fire)
    }
  }
}

/** Resolves after a time, or as soon as the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}

/** The value, or null if the signal fires first. Never rejects because of the signal. */
export function orNull<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const end = () => resolve(null)
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}
