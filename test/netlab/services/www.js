import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import './dns.js'

// A host of the "internet" that anybody can try: www.js ADDRESS. TCP servers that greet, UDP ones that answer with the
// address that the packet came from, one that takes everything and says nothing (TCP 9), and the name server of the
// public hosts.
const [host] = process.argv.slice(2)

for (const port of [80, 443, 4433, 49737]) {
  const greet = (socket) => {
    socket.on('error', () => {})
    socket.end(`hello ${socket.remoteAddress}:${socket.remotePort}\n`)
  }
  createServer(greet).listen(port, host)
}

createServer((socket) => {
  socket.on('error', () => {})
  socket.resume()
}).listen(9, host)

for (const port of [443, 3478]) {
  const socket = createSocket('udp4')
  socket.on('message', (_, from) => socket.send(`${from.address}:${from.port}`, from.port, from.address))
  socket.bind(port, host)
}
