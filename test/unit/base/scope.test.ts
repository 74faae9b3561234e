import { describe, expect, it } from 'vitest'
import { Scope } from '../../../src/base/scope.js'

describe('Scope', () => {
  it('undoes the newest first, once, and waits for each', async () => {
    const scope = new Scope()
    const seen: string[] = []
    scope.defer(() => seen.push('first'))
    scope.defer(async () => {
      await Promise.resolve()
      seen.push('second')
    })
    await Promise.all([scope.close(), scope.close()])
    expect(seen).toEqual(['second', 'first'])
    expect(scope.closed).toBe(true)
  })

  it('tries everything, then throws the first error', async () => {
    const scope = new Scope()
    let undone = false
    scope.defer(() => {
      undone = true
    })
    scope.defer(() => {
      throw new Error('later')
    })
    scope.defer(() => Promise.reject(new Error('sooner')))
    await expect(scope.close()).rejects.toThrow('sooner')
    expect(undone).toBe(true)
  })

  it('undoes at once what comes too late', async () => {
    const scope = new Scope()
    await scope.close()
    await new Promise<void>((resolve) => scope.defer(resolve))
  })
})
