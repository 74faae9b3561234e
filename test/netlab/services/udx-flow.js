import UDX from 'udx-native'

/**
 * What the transport below dat carries by itself: one bare UDX stream, between hosts that can reach each other.
 * udx-flow.js receive|send ADDRESS_OF_THE_OTHER BYTES. The receiver prints its rate, counted from the first data.
 */

const PORT = 5000
const CHUNK = Buffer.alloc(64 * 1024, 1)
const ID = { send: 1, receive: 2 }
const [role, other, amount] = process.argv.slice(2)
const bytes = Number(amount)

const udx = new UDX()
const socket = udx.createSocket()
socket.bind(PORT)
const stream = udx.createStream(ID[role])
stream.connect(socket, role === 'send' ? ID.receive : ID.send, PORT, other)
stream.on('error', () => process.exit(1))

if (role === 'receive') {
  let received = 0
  let started = 0
  stream.on('data', (data) => {
    started ||= performance.now()
    received += data.length
    if (received < bytes) return
    const seconds = (performance.now() - started) / 1000
    console.log(JSON.stringify({ mbit: (received * 8) / seconds / 1e6 }))
    process.exit()
  })
  console.log(JSON.stringify({ ready: true }))
} else {
  const fill = () => {
    while (stream.write(CHUNK));
  }
  stream.on('drain', fill)
  fill()
}
