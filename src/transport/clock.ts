const TICK_MS = 2000
const JUMP_MS = 5000

/**
 * Notices that this computer slept: the wall clock went on while the monotonic clock stood still. A busy event loop
 * delays both alike and is no jump; a clock that was set by hand is one, which costs no more than a redial.
 * @param onjump called with the milliseconds that are missing
 */
export function watchClock(onjump: (ms: number) => void): { close(): void } {
  let offset = Date.now() - performance.now()
  const timer = setInterval(() => {
    const now = Date.now() - performance.now()
    const jump = Math.abs(now - offset)
    offset = now
    if (jump > JUMP_MS) onjump(jump)
  }, TICK_MS)
  timer.unref()
  return { close: () => clearInterval(timer) }
}
