import { afterEach } from 'vitest'

const cleanups: Array<() => unknown> = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Undoes something when the test is over, the newest first and after the hooks of the test's own file. */
export function defer(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}
