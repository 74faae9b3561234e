import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { connect } from 'node:net'

/**
 * What plain sockets can do from this host: probe.js PROXY. One JSON object: for each way 'ok', 'timeout' or an error
 * code; for UDP the port from which it was seen.
 */

const WWW = '5.5.0.30'
const LIMIT_MS = 1500
const [proxy] = process.argv.slice(2)

function tcp(port) {
  return new Promise((resolve) => {
    const socket = connect(port, WWW)
    const end = (result) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(LIMIT_MS, () => end('timeout'))
    socket.on('connect', () => end('ok'))
    socket.on('error', ({ code }) => end(code))
  })
}

/** From one socket to two ports: a NAT that picks a port for each destination shows. */
async function udp() {
  const socket = createSocket('udp4')
  const seen = {}
  socket.on('message', (message, { port }) => {
    seen[port] = String(message)
  })
  socket.on('error', () => {})
  for (const port of [443, 3478]) socket.send('?', port, WWW)
  await new Promise((resolve) => setTimeout(resolve, LIMIT_MS))
  socket.close()
  return { low: seen[443] ?? 'timeout', high: seen[3478] ?? 'timeout' }
}

function viaProxy(to) {
  return new Promise((resolve) => {
    const [host, port] = proxy.split(':')
    const socket = connect(Number(port), host)
    const end = (result) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(LIMIT_MS, () => end('timeout'))
    socket.on('error', ({ code }) => end(code))
    socket.on('data', (head) => end(/^HTTP\/1\.1 (\d+)/.exec(head.toString('latin1'))?.[1] ?? 'no answer'))
    socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`)
  })
}

async function dns() {
  const late = new Promise((resolve) => setTimeout(resolve, LIMIT_MS, 'timeout'))
  const found = lookup('www.lab').then(
    () => 'ok',
    ({ code }) => code
  )
  return Promise.race([found, late])
}

const [name, web, other, { low, high }, proxied, refused] = await Promise.all([
  dns(),
  tcp(443),
  tcp(4433),
  udp(),
  viaProxy('www.lab:443'),
  viaProxy('www.lab:4433')
])
console.log(JSON.stringify({ dns: name, web, other, low, high, proxied, refused }))
process.exit()
