import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { findProcess, linuxStart, psStart, thisProcess } from '../../../../src/cli/background/identity.js'
import { defer } from '../../../helpers/cleanup.js'

describe.skipIf(process.platform === 'win32')('a process', () => {
  it('is known again while it runs, and not afterwards', async () => {
    const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] })
    defer(() => child.kill('SIGKILL'))
    await once(child, 'spawn')
    const start = process.platform === 'linux' ? linuxStart : psStart
    const known = { ...(await thisProcess()), pid: child.pid ?? 0, start: (await start(child.pid ?? 0)) ?? '' }
    expect(known.start).not.toBe('')
    expect(await findProcess(known)).toBe('running')
    child.stdin.end()
    await once(child, 'exit')
    expect(await findProcess(known)).toBe('killed')
  })

  it('is not the one that has its number now', async () => {
    const me = await thisProcess()
    expect(await findProcess(me)).toBe('running')
    expect(await findProcess({ ...me, start: `${me.start}0` })).toBe('killed')
    expect(await findProcess({ ...me, start: '' })).toBe('killed')
  })

  it.runIf(process.platform === 'linux')('did not survive another start of the computer', async () => {
    expect(await findProcess({ ...(await thisProcess()), boot: 'another' })).toBe('restarted')
  })

  it('of another computer is not called dead: not by its name alone, nor by its image', async () => {
    const me = await thisProcess()
    expect(await findProcess({ ...me, machine: 'another' })).toBe('elsewhere')
    // Nodes that start from one image, as a cluster's do.
    expect(await findProcess({ ...me, host: 'login2', boot: 'another' })).toBe('elsewhere')
    expect(await findProcess({ ...me, host: 'login2', boot: '' })).toBe('elsewhere')
    expect(await findProcess({ ...me, space: 'pid:[1]' })).toBe('elsewhere')
  })

  it.runIf(process.platform === 'linux')('keeps its identity when the computer is renamed', async () => {
    expect(await findProcess({ ...(await thisProcess()), host: 'renamed' })).toBe('running')
  })

  it('has a beginning by `ps`, too', async () => {
    expect(await psStart(process.pid)).toMatch(/^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}$/)
    expect(await psStart(2 ** 22 + 1)).toBeNull()
  })
})
