import { describe, expect, test } from 'vitest'
import { interfacesToUse, isFromLink } from '../../src/transport/multicast-socket.js'

const common = { netmask: '', mac: '', internal: false }
const ipv4 = (address: string, size = 24) => ({
  ...common,
  address,
  cidr: `${address}/${size}`,
  family: 'IPv4' as const
})
const ipv6 = (address: string, scopeid: number) => ({
  ...common,
  address,
  cidr: `${address}/64`,
  family: 'IPv6' as const,
  scopeid
})
const HOST = {
  lo: [ipv4('127.0.0.1', 8), ipv6('::1', 0)],
  eth0: [ipv4('192.168.1.5'), ipv4('192.168.1.6'), ipv6('2001:db8::5', 0), ipv6('fe80::5', 2)],
  eth1: [ipv6('fe80::5', 3)]
}
const on = (only: string | null) => interfacesToUse(only, HOST).map(({ address }) => address)

describe.skipIf(process.platform === 'win32')('the interfaces to use', () => {
  test('are each that has IPv4, and each that has a link-local IPv6 address', () => {
    expect(on(null)).toEqual(['127.0.0.1', '192.168.1.5', 'fe80::5%eth0', 'fe80::5%eth1'])
  })

  test('is the one with the address that was named, and by this address alone', () => {
    expect(on('127.0.0.1')).toEqual(['127.0.0.1'])
    expect(on('192.168.1.6')).toEqual(['192.168.1.6'])
    expect(on('fe80::5%eth1')).toEqual(['fe80::5%eth1'])
    expect(on('::1')).toEqual(['::1'])
    expect(on('10.0.0.1')).toEqual([])
    expect(on('fe80::5%eth2')).toEqual([])
  })

  test('an IPv6 interface sends to the group of its own link', () => {
    expect(interfacesToUse('fe80::5%eth1', HOST)).toEqual([
      { address: 'fe80::5%eth1', cidr: 'fe80::5/64', group: 'ff02::fb%eth1', selector: '::%eth1' }
    ])
  })

  test('senders belong to the link that their address names', () => {
    const [loopback, wired, first, second] = interfacesToUse(null, HOST)
    if (!loopback || !wired || !first || !second) throw new Error('four are expected')
    const links = { loopback, wired, first, second }
    const from = (sender: string) =>
      Object.entries(links)
        .filter(([, link]) => isFromLink(link, sender))
        .map(([name]) => name)
    expect(from('127.0.0.9')).toEqual(['loopback'])
    expect(from('192.168.1.77')).toEqual(['wired'])
    expect(from('192.168.2.77')).toEqual([])
    expect(from('fe80::77%eth0')).toEqual(['first'])
    expect(from('fe80::77%eth1')).toEqual(['second'])
    expect(from('fe80::77')).toEqual([])
    expect(from('2001:db8::77%eth0')).toEqual([])
  })
})
