import type { RunningShare } from '../../src/cli/background/records.js'

/** What a share says of itself, for tests of who reads it. */
export function runningShare(fields: Partial<RunningShare> = {}): RunningShare {
  return {
    id: '0123456789abcdef',
    pid: 4711,
    host: 'login1',
    machine: '0'.repeat(32),
    boot: '',
    space: '',
    start: '1',
    dir: '/home/anna/soil',
    work: 'share',
    mode: 'background',
    since: Date.parse('2026-03-01T14:05:00'),
    updated: Date.parse('2026-03-01T14:06:00'),
    places: { addresses: [], relays: [] },
    options: [],
    log: '/home/anna/.local/share/dat/logs/soil-0.log',
    state: 'serving',
    percent: null,
    peers: 2,
    complete: 1,
    sentBytes: 1.5e9,
    failure: null,
    ...fields
  }
}
