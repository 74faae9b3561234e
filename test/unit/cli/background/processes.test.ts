import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../../../src/base/display-width.js'
import type { Found } from '../../../../src/cli/background/records.js'
import { processRow, processTable } from '../../../../src/cli/ui/processes.js'
import { runningShare } from '../../../helpers/running.js'

const now = Date.parse('2026-03-01T15:00:00')
const found = (whereabouts: Found['whereabouts'], fields: Parameters<typeof runningShare>[0] = {}): Found => ({
  record: runningShare({ updated: now, ...fields }),
  whereabouts
})

const ALL = [
  found('running'),
  found('running', { dir: `/scratch/${'deep/'.repeat(30)}数据`, state: 'indexing', percent: 45, mode: 'service' }),
  found('elsewhere', {
    pid: 4194304,
    host: 'login2.cluster.example.org',
    work: 'sync',
    state: 'downloading',
    percent: 9
  }),
  found('elsewhere', { host: 'login3', updated: Date.parse('2026-02-27T10:00:00') }),
  found('killed', { dir: '/data/\u001b[31mred' }),
  found('restarted', { since: Date.parse('2025-03-01T15:00:00') }),
  found('killed', { failure: 'the disk is full', state: 'failed' })
]

describe('the table of shares', () => {
  it('fits 80 columns, and keeps the end of a long path', () => {
    const lines = processTable(ALL, { width: 80, now })
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(80)
    expect(lines[2]).toMatch(/^….*deep\/数据 +share +2 +1\.5 GB +14:05 +4711 service +indexing 45 %$/)
    expect(lines.join('\n')).not.toContain('\u001b')
  })

  it('says what is known, and claims no more', () => {
    const states = processTable(ALL, { width: Number.POSITIVE_INFINITY, now }).map((line) => line.split(/ {2,}/).at(-1))
    expect(states.slice(1)).toEqual([
      'serving',
      'indexing 45 %',
      'downloading 9 %',
      'silent: Feb 27',
      'ended (killed)',
      'ended (restart)',
      'failed'
    ])
    expect(processTable(ALL, { width: 200, now })[3]).toMatch(/ 4194304@login2 /)
  })

  it('is whole where no screen bounds it', () => {
    expect(processTable(ALL, { width: Number.POSITIVE_INFINITY, now })[2]).toContain('deep/'.repeat(30))
  })
})

it('a script gets the facts', () => {
  expect(processRow(found('elsewhere'))).toMatchObject({
    type: 'process',
    running: null,
    state: 'serving',
    host: 'login1'
  })
  expect(processRow(found('killed'))).toMatchObject({ running: false, state: 'killed' })
  const since = new Date(runningShare().since).toISOString()
  expect(processRow(found('running'))).toMatchObject({ running: true, since, sentBytes: 1.5e9, peers: 2, complete: 1 })
})
