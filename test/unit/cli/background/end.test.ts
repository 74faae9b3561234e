import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { endProcess } from '../../../../src/cli/background/end.js'
import { linuxStart, type ProcessIdentity, thisProcess } from '../../../../src/cli/background/identity.js'
import { defer } from '../../../helpers/cleanup.js'

/** A process that does with SIGTERM what the shell is told. */
async function start(trap: string): Promise<{ identity: ProcessIdentity; end: Promise<unknown> }> {
  const child = spawn('sh', ['-c', `trap ${trap} TERM; echo ready; while read x; do :; done`], { stdio: 'pipe' })
  defer(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const identity = { ...(await thisProcess()), pid: child.pid ?? 0, start: (await linuxStart(child.pid ?? 0)) ?? '' }
  return { identity, end: once(child, 'exit') }
}

const { signal } = new AbortController()

it.runIf(process.platform === 'linux')('a process is asked, and ended at once only by force', async () => {
  const stubborn = await start("''")
  expect(await endProcess(stubborn.identity, { force: false, signal, niceMs: 60 })).toBe('refused')
  expect(await endProcess(stubborn.identity, { force: true, signal, niceMs: 60 })).toBe('killed')
  expect(await stubborn.end).toEqual([null, 'SIGKILL'])
  const polite = await start("'exit 7'")
  expect(await endProcess(polite.identity, { force: true, signal })).toBe('stopped')
  expect(await polite.end).toEqual([7, null])
  expect(await endProcess(polite.identity, { force: true, signal })).toBe('stopped')
})

it('who waits for it can stop waiting', async () => {
  const me = await thisProcess()
  const aborted = AbortSignal.abort(new Error('interrupted'))
  await expect(endProcess(me, { force: false, signal: aborted })).rejects.toThrow('interrupted')
})
