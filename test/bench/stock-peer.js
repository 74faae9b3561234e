import { connect, createServer } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import Hyperdrive from 'hyperdrive'
import Localdrive from 'localdrive'

/**
 * One side of the same job done with the stock packages, as their documentation does it: a folder is mirrored into a
 * Hyperdrive, the drive is replicated over an encrypted TCP connection, and mirrored into a new folder.
 *
 *   node stock-peer.js seed <folder> <store> [batch]
 *   node stock-peer.js fetch <key> <port> <store> <new folder> [batch]
 */

const HOST = '127.0.0.1'
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`)

async function timed(work) {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

async function seed(folder, storage, batch) {
  const store = new Corestore(storage)
  const drive = new Hyperdrive(store)
  await drive.ready()
  const seconds = await timed(() => new Localdrive(folder).mirror(drive, { batch: batch === 'batch' }).done())

  const server = createServer((socket) => {
    socket.setNoDelay(true)
    const stream = new NoiseSecretStream(false, socket)
    stream.on('error', () => {})
    store.replicate(stream)
  })
  server.listen(0, HOST, () =>
    say({ type: 'seeding', key: drive.key.toString('hex'), port: server.address().port, seconds })
  )
  process.once('SIGINT', async () => {
    server.close()
    await store.close()
    process.exit(0)
  })
}

async function fetch(key, port, storage, folder) {
  const store = new Corestore(storage)
  const drive = new Hyperdrive(store, Buffer.from(key, 'hex'))
  await drive.ready()
  const transfer = await timed(async () => {
    const searched = drive.findingPeers()
    const socket = connect({ port: Number(port), host: HOST })
    socket.setNoDelay(true)
    const stream = new NoiseSecretStream(true, socket)
    stream.on('error', () => {})
    store.replicate(stream)
    stream.once('open', () => searched())
    await drive.update({ wait: true })
    const download = drive.download('/')
    await download.ready()
    await download.done()
  })
  const target = new Localdrive(folder)
  const exported = await timed(() => drive.mirror(target).done())
  say({ type: 'done', transfer, export: exported })
  await store.close()
  process.exit(0)
}

const [role, ...rest] = process.argv.slice(2)
if (role === 'seed') await seed(...rest)
else if (role === 'fetch') await fetch(...rest)
else throw new Error('usage: stock-peer.js seed|fetch …')
