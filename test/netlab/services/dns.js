import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/**
 * A name server for the lab's few names, on UDP and TCP; knows nothing else and asks nobody. `dns.js inside` tells them
 * to the proxy alone, as in institutions whose name server knows only their own computers.
 */

const ADDRESSES = {
  'node1.lab': '5.5.0.1',
  'node2.lab': '5.5.0.2',
  'node3.lab': '5.5.0.3',
  'node4.lab': '5.5.0.4',
  'relay.lab': '5.5.0.20',
  'www.lab': '5.5.0.30'
}
const HEADER = 12
const TYPE_A = 1
const ANSWER = 0x8580
const NO_SUCH_NAME = 0x8583
const NAME_OF_THE_QUESTION = 0xc000 | HEADER
const SECONDS_TO_KEEP = 60
const INSIDE = process.argv[2] === 'inside'

/** Whether this client is told of the world. */
function served(client) {
  return !INSIDE || client.endsWith('.80')
}

/** The answer to a query of one question (RFC 1035). */
function answer(query, client) {
  const labels = []
  let end = HEADER
  while (query[end]) {
    labels.push(query.toString('latin1', end + 1, end + 1 + query[end]))
    end += query[end] + 1
  }
  const type = query.readUInt16BE(end + 1)
  const address = served(client) ? ADDRESSES[labels.join('.').toLowerCase()] : undefined
  const answers = address && type === TYPE_A ? 1 : 0
  const head = Buffer.from(query.subarray(0, end + 5))
  head.writeUInt16BE(address ? ANSWER : NO_SUCH_NAME, 2)
  head.writeUInt16BE(answers, 6)
  head.writeUInt32BE(0, 8)
  if (!answers) return head
  const record = Buffer.alloc(16)
  record.writeUInt16BE(NAME_OF_THE_QUESTION, 0)
  record.writeUInt16BE(TYPE_A, 2)
  record.writeUInt16BE(1, 4)
  record.writeUInt32BE(SECONDS_TO_KEEP, 6)
  record.writeUInt16BE(4, 10)
  Buffer.from(address.split('.').map(Number)).copy(record, 12)
  return Buffer.concat([head, record])
}

const udp = createSocket('udp4')
udp.on('message', (query, from) => {
  try {
    udp.send(answer(query, from.address), from.port, from.address)
  } catch {
    // Not a query.
  }
})

const tcp = createServer((socket) => {
  socket.on('error', () => {})
  socket.on('data', (query) => {
    try {
      const reply = answer(query.subarray(2), socket.remoteAddress ?? '')
      const length = Buffer.alloc(2)
      length.writeUInt16BE(reply.length)
      socket.write(Buffer.concat([length, reply]))
    } catch {
      socket.destroy()
    }
  })
})

udp.bind(53, () => tcp.listen(53, () => console.log('READY')))
