import Holepuncher from 'hyperdht/lib/holepuncher.js'
import createTestnet from 'hyperdht/testnet.js'
import { expect, test } from 'vitest'
import { guessPortsFaster } from '../../src/transport/port-guessing.js'

const RANDOM_PORTS = 3

test('the ports of a symmetric NAT are guessed five at a time, until the hole is there', async () => {
  const testnet = await createTestnet(1, { host: '127.0.0.1' })
  const [dht] = testnet.nodes
  if (!dht) throw new Error('no node')
  guessPortsFaster()
  const puncher = new Holepuncher(dht, dht.session(), true)
  try {
    // What the DHT tells of the other end; hyperdht itself chooses to guess.
    const addresses = [{ host: '127.0.0.1', port: 4000 }]
    puncher.updateRemote({ punching: true, firewall: RANDOM_PORTS, addresses, verified: '127.0.0.1' })
    puncher.nat.firewall = 2
    const ports: number[] = []
    puncher.ping = async ({ port }) => {
      ports.push(port)
      if (ports.length === 50) puncher.punching = false
    }
    let pauses = 0
    const pause = puncher._sleeper.pause.bind(puncher._sleeper)
    puncher._sleeper.pause = (ms) => {
      pauses++
      return pause(ms)
    }
    const ended = new Promise<void>((resolve) => {
      puncher.onabort = resolve
    })
    expect(await puncher.punch()).toBe(true)
    await ended
    expect(ports).toHaveLength(50)
    // The tenth round was the last one.
    expect(pauses).toBe(9)
    expect(ports.every((port) => port >= 1024 && port <= 65_535)).toBe(true)
    expect(new Set(ports).size).toBeGreaterThan(40)
  } finally {
    puncher.destroy()
    await testnet.destroy()
  }
})
