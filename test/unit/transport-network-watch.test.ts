import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { describeAddresses, watchNetwork } from '../../src/transport/network-watch.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('tells each change once, within three seconds, until it is closed', () => {
  let addresses = 'eth0 10.0.0.1'
  let told = 0
  const watch = watchNetwork(
    () => told++,
    () => addresses
  )
  vi.advanceTimersByTime(60_000)
  expect(told).toBe(0)
  addresses = 'wlan0 10.0.0.1'
  vi.advanceTimersByTime(3000)
  expect(told).toBe(1)
  vi.advanceTimersByTime(60_000)
  expect(told).toBe(1)
  addresses = ''
  vi.advanceTimersByTime(3000)
  expect(told).toBe(2)
  watch.close()
  addresses = 'eth0 10.0.0.1'
  vi.advanceTimersByTime(60_000)
  expect(told).toBe(2)
  expect(vi.getTimerCount()).toBe(0)
})

const common = { netmask: '', mac: '', internal: false }
const ipv4 = (address: string) => ({ ...common, address, cidr: `${address}/24`, family: 'IPv4' as const })
const ipv6 = (address: string, size = 64) => ({
  ...common,
  address,
  cidr: `${address}/${size}`,
  family: 'IPv6' as const,
  scopeid: 0
})

test('what counts is where the addresses lead, not their order, nor what comes and goes within one IPv6 network', () => {
  const before = describeAddresses({ eth0: [ipv4('10.0.0.1'), ipv6('2001:db8::1')], wlan0: [ipv4('10.1.0.1')] })
  expect(describeAddresses({ wlan0: [ipv4('10.1.0.1')], eth0: [ipv6('2001:db8::aaaa:bbbb'), ipv4('10.0.0.1')] })).toBe(
    before
  )
  expect(describeAddresses({ lo: [{ ...ipv4('127.0.0.1'), internal: true }] })).toBe('')
  const others = [
    { eth0: [ipv4('10.0.0.2'), ipv6('2001:db8::1')], wlan0: [ipv4('10.1.0.1')] },
    { eth0: [ipv4('10.0.0.1'), ipv6('2001:db8:0:1::1')], wlan0: [ipv4('10.1.0.1')] },
    { eth1: [ipv4('10.0.0.1'), ipv6('2001:db8::1')], wlan0: [ipv4('10.1.0.1')] },
    { eth0: [ipv4('10.0.0.1'), ipv6('2001:db8::1')] }
  ]
  for (const other of others) expect(describeAddresses(other)).not.toBe(before)
  expect(describeAddresses({ tun0: [ipv6('fd00::1', 128)] })).not.toBe(
    describeAddresses({ tun0: [ipv6('fd00::2', 128)] })
  )
})
