import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, createServer, connect as tlsConnect } from 'node:tls'

/**
 * A firewall that looks into TLS: inspector.js PORT FOLDER CA NAME=HOST:PORT… Whoever connects gets the certificate
 * FOLDER/NAME.pem (with NAME.key) for the name that he asks for; what he then says goes on to HOST:PORT in another TLS
 * connection, whose certificate CA has to vouch for.
 */

const [port, folder, ca, ...routes] = process.argv.slice(2)
const known = new Map(routes.map((route) => route.split('=')))
const contexts = new Map(
  [...known.keys()].map((name) => {
    const read = (ending) => readFileSync(join(folder, `${name}.${ending}`))
    return [name, createSecureContext({ cert: read('pem'), key: read('key') })]
  })
)
const trusted = readFileSync(ca)

function chooseContext(name, done) {
  const context = contexts.get(name)
  done(context ? null : new Error(`no certificate for ${name}`), context)
}

const server = createServer({ SNICallback: chooseContext, ALPNProtocols: ['http/1.1'] }, (client) => {
  client.on('error', () => {})
  const name = client.servername
  const [host, to] = known.get(name).split(':')
  const target = tlsConnect({ host, port: Number(to), servername: name, ca: trusted, ALPNProtocols: ['http/1.1'] })
  target.on('error', () => client.destroy())
  client.on('close', () => target.destroy())
  target.on('close', () => client.destroy())
  client.pipe(target)
  target.pipe(client)
})
server.on('tlsClientError', (_error, socket) => socket.destroy())
server.listen(Number(port), () => console.log('READY'))
