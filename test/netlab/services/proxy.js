import { createServer } from 'node:http'
import { connect } from 'node:net'

/**
 * An HTTP proxy that does CONNECT to port 443 and nothing else, as institutions run them:
 * proxy.js PORT [PORT:USER:PASSWORD]. The second one wants a password.
 */

const CONNECT_MS = 10_000

function refuse(client, status) {
  client.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
}

function tunnel(client, head, host, port) {
  const target = connect(port, host)
  target.setTimeout(CONNECT_MS, () => target.destroy(new Error('timeout')))
  let open = false
  target.on('connect', () => {
    open = true
    target.setTimeout(0)
    client.write('HTTP/1.1 200 Connection established\r\n\r\n')
    target.write(head)
    target.pipe(client)
    client.pipe(target)
  })
  target.on('error', () => {
    if (open) client.destroy()
    else refuse(client, '502 Bad Gateway')
  })
  client.on('close', () => target.destroy())
}

/** @param {string} [login] `user:password` */
function listen(port, login) {
  const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`
  const server = createServer((_, response) => {
    response.writeHead(405).end('CONNECT only\n')
  })
  server.on('connect', (request, client, head) => {
    client.on('error', () => {})
    if (wanted && request.headers['proxy-authorization'] !== wanted) {
      return refuse(client, '407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="lab"')
    }
    const { hostname, port: to } = new URL(`tcp://${request.url}`)
    if (to !== '443') return refuse(client, '403 Forbidden')
    tunnel(client, head, hostname, Number(to))
  })
  return new Promise((resolve) => server.listen(port, resolve))
}

const [plain, guarded] = process.argv.slice(2)
await listen(Number(plain))
if (guarded) {
  const [port, ...login] = guarded.split(':')
  await listen(Number(port), login.join(':'))
}
console.log('READY')
