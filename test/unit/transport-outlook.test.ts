import { expect, test } from 'vitest'
import { type Evidence, judge } from '../../src/transport/outlook.js'

const nothing: Evidence = {
  age: 8000,
  peers: 0,
  dht: { answered: false, emptyLookups: 0 },
  nearby: false,
  relay: null
}
const relay = { answered: true, complete: true, met: false, emptyLookups: 2 }
const lookedUp = (emptyLookups: number): Evidence => ({ ...nothing, dht: { answered: true, emptyLookups } })

test.each<[string, Evidence, ReturnType<typeof judge>]>([
  ['nothing has answered', nothing, 'blocked'],
  ['nothing has answered yet', { ...nothing, age: 7000 }, 'unknown'],
  ['a relay has, and found nobody', { ...nothing, relay }, 'nobody'],
  ['a relay has, and has not looked', { ...nothing, relay: { ...relay, emptyLookups: 0 } }, 'unknown'],
  ['a relay has not answered either', { ...nothing, relay: { ...relay, answered: false, complete: false } }, 'blocked'],
  ['a relay knows somebody', { ...lookedUp(3), relay: { ...relay, met: true } }, 'unknown'],
  [
    'a relay has not answered, where somebody may be',
    { ...lookedUp(3), relay: { ...relay, complete: false } },
    'unknown'
  ],
  ['somebody announces the share nearby', { ...nothing, nearby: true }, 'unknown'],
  ['there is a peer', { ...nothing, peers: 1 }, 'unknown'],
  ['the DHT is not used', { ...nothing, dht: null }, 'unknown'],
  ['several lookups found nobody', lookedUp(2), 'nobody'],
  ['one lookup found nobody', lookedUp(1), 'unknown'],
  ['lookups found nobody, but it is early', { ...lookedUp(3), age: 5000 }, 'unknown'],
  ['lookups found nobody, but there is one nearby', { ...lookedUp(3), nearby: true }, 'unknown']
])('%s', (_what, evidence, outlook) => {
  expect(judge(evidence)).toBe(outlook)
})
