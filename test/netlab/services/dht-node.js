import DHT from 'hyperdht'

// A lasting node of the lab's DHT: dht-node.js ADDRESS PORT [BOOTSTRAP]. The first one has nobody to ask for its own
// address, so it is told; the others must not take themselves for firewalled.
const [host, port, first] = process.argv.slice(2)
const dht = first
  ? new DHT({ bootstrap: [first], host, port: Number(port), ephemeral: false, firewalled: false, anyPort: false })
  : DHT.bootstrapper(Number(port), host, { host })
await dht.fullyBootstrapped()
console.log('READY', dht.host, dht.port)
