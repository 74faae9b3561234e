import { createHash } from 'node:crypto'
import { pathToFileURL } from 'node:url'

/**
 * Many clients of a relay in one process: relay-crowd.js CONNECTOR ROLE COUNT URL, where CONNECTOR is the program's
 * own compiled module. Senders and receivers of the same number meet; an idle client is alone with its topic.
 * Prints {"ready":true} when the relay has all of them, and once a second what has arrived at each.
 */

const CHUNK = Buffer.alloc(256 * 1024, 1)
const TELL_MS = 1000
const [connector, role, count, url] = process.argv.slice(2)
const { connect } = await import(pathToFileURL(connector).href)

const received = new Array(Number(count)).fill(0)

function topicOf(i) {
  const name = role === 'idle' ? `idle ${i}` : `busy ${i}`
  return createHash('sha256').update(name).digest()
}

function use(i, stream) {
  stream.on('error', () => {})
  stream.on('data', (data) => {
    received[i] += data.length
  })
  if (role !== 'send') return
  const fill = () => {
    while (!stream.destroying && stream.write(CHUNK));
  }
  stream.on('drain', fill)
  fill()
}

function join(i) {
  return new Promise((resolve, reject) => {
    const report = ({ type, relays }) => type === 'network.ready' && relays.length > 0 && resolve()
    connect({
      topic: topicOf(i),
      report,
      onpeer: ({ stream }, network) => {
        // There is no link here for them to prove.
        network.trust(stream)
        use(i, stream)
      },
      dht: false,
      bootstrap: null,
      lan: false,
      lanInterface: null,
      listen: null,
      peers: [],
      relays: [url]
    }).catch(reject)
  })
}

await Promise.all(received.map((_, i) => join(i)))
console.log(JSON.stringify({ ready: true }))
setInterval(() => console.log(JSON.stringify({ received })), TELL_MS)
