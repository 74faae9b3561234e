import { describe, expect, it } from 'vitest'
import { Limit } from '../../../src/base/limit.js'

function deferred() {
  let resolve = (): void => {}
  let reject = (_error: Error): void => {}
  const promise = new Promise<void>((ok, fail) => {
    resolve = ok
    reject = fail
  })
  return { promise, resolve, reject }
}

/** Lets everything run that can. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('a limit', () => {
  it('runs so many at once, in the order in which they came', async () => {
    const limit = new Limit(2)
    const gates = Array.from({ length: 5 }, deferred)
    const started: number[] = []
    const all = gates.map(({ promise }, i) =>
      limit.run(async () => {
        started.push(i)
        await promise
        return i
      })
    )
    await turn()
    expect(started).toEqual([0, 1])
    expect(limit.waiting).toBe(3)
    gates[1]?.resolve()
    await turn()
    expect(started).toEqual([0, 1, 2])
    for (const { resolve } of gates) resolve()
    expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4])
    expect(started).toEqual([0, 1, 2, 3, 4])
  })

  it('gives a place on to who waits, and not to who comes at that moment', async () => {
    const limit = new Limit(1)
    let running = 0
    let most = 0
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await turn()
      running--
    }
    const first = limit.run(work)
    const second = limit.run(work)
    await first
    await Promise.all([second, limit.run(work)])
    expect(most).toBe(1)
  })

  it('gives the place of what failed to the next one', async () => {
    const limit = new Limit(1)
    const failing = limit.run(() => Promise.reject(new Error('no')))
    const throwing = limit.run(() => {
      throw new Error('not at all')
    })
    const last = limit.run(async () => 'yes')
    await expect(failing).rejects.toThrow('no')
    await expect(throwing).rejects.toThrow('not at all')
    expect(await last).toBe('yes')
    await limit.idle()
  })

  it('is idle when nothing runs or waits', async () => {
    const limit = new Limit(1)
    await limit.idle()
    const gates = [deferred(), deferred()]
    for (const { promise } of gates) void limit.run(() => promise)
    let idle = false
    const waiting = limit.idle().then(() => {
      idle = true
    })
    gates[0]?.resolve()
    await turn()
    expect(idle).toBe(false)
    gates[1]?.resolve()
    await waiting
    expect(idle).toBe(true)
  })
})
