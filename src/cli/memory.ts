import { setFlagsFromString } from 'node:v8'

/** Resident memory, in bytes, from which on it is worth time to keep it from growing; and below which it is not. */
const HIGH = 215e6
const LOW = 165e6
const LOOK_MS = 200

/**
 * Keeps the garbage collector from letting the heap grow with the number of files. Left alone, V8 allows a heap to
 * triple before it looks: fast, and right for a small share; with a million files it costs half a gigabyte, on login
 * nodes where memory is counted. `--optimize-for-size` makes it look early, which costs a third of the speed for small
 * files, so it is switched on only when memory is used (docs/adr/0004-workers-and-memory.md).
 * @returns what ends it
 */
export function keepMemorySmall(): () => void {
  let small = false
  const timer = setInterval(() => {
    const rss = process.memoryUsage.rss()
    if (small ? rss >= LOW : rss < HIGH) return
    small = !small
    setFlagsFromString(small ? '--optimize-for-size' : '--no-optimize-for-size')
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
