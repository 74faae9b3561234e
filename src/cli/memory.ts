import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Resident memory, in bytes, from which on garbage is collected at once instead of when V8 gets to it. */
const HIGH = 255e6
const LOOK_MS = 50
/** Collecting may take this part of the time at most: a pause of 10 ms comes every 120 ms at most. */
const SHARE_OF_TIME = 1 / 12
/** From so much memory on it may take more: what a process may use is limited on many login nodes. */
const VERY_HIGH = 330e6
const LARGER_SHARE_OF_TIME = 1 / 4

/**
 * Keeps the heap from growing with the number of files. Left alone, V8 lets a heap triple before it looks: fast, and
 * right for a small share; with 200,000 files it costs hundreds of megabytes, on login nodes where memory is counted.
 * docs/adr/0004-workers-and-memory.md compares the ways.
 * @returns what ends it
 */
export function keepMemorySmall(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let notBefore = 0
  const timer = setInterval(() => {
    const start = performance.now()
    if (start < notBefore) return
    const rss = process.memoryUsage.rss()
    if (rss < HIGH) return
    collect()
    const end = performance.now()
    notBefore = end + (end - start) / (rss < VERY_HIGH ? SHARE_OF_TIME : LARGER_SHARE_OF_TIME)
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
