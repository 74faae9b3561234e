import { expect, it } from 'vitest'
import { Slots } from '../../../src/base/slots.js'

it('gives so many for each, and so many in all, and takes each back once', () => {
  const slots = new Slots(3, 2)
  const first = slots.take('a')
  expect(slots.take('a')).not.toBeNull()
  expect(slots.take('a')).toBeNull()
  expect([slots.total, slots.full]).toEqual([2, false])
  expect(slots.take('b')).not.toBeNull()
  expect([slots.total, slots.full]).toEqual([3, true])
  expect(slots.take('c')).toBeNull()
  first?.()
  first?.()
  expect(slots.total).toBe(2)
  expect(slots.take('a')).not.toBeNull()
  expect(slots.take('a')).toBeNull()
})
