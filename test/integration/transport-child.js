// A peer in a process of its own: prints what happens to it, one JSON object a line, and leaves when stdin ends.
import { connect } from '../../dist/transport/connector.js'

const options = JSON.parse(process.argv[2] ?? '{}')
const say = (object) => process.stdout.write(`${JSON.stringify(object)}\n`)
const network = await connect({
  ...options,
  topic: Buffer.from(options.topic, 'hex'),
  report: say,
  onpeer: ({ id, route, stream }) => {
    stream.on('data', (data) => say({ type: 'data', peer: id, route, text: data.toString() }))
    stream.write(`hello from ${process.pid} by ${route}`)
  }
})
say({ type: 'open', listening: network.listening })
process.stdin.resume()
process.stdin.on('end', async () => {
  await network.close()
  say({ type: 'closed' })
  process.exit()
})
