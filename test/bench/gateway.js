import { execFile, spawn } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

const HELP = `usage: npm run bench:gateway -- [--rounds N] [--quick]

Measures \`dat serve\` on this machine: a file of 1 GiB over TLS beside nginx (Debian's nginx-light), in turns, with curl;
100 clients at once; a folder of 10,000 files as one zip, and the memory that it takes. Everything stays on 127.0.0.1.
Exit code 0 when every target is met, 1 when not.
`
const run = promisify(execFile)
const DAT = fileURLToPath(new URL('../../bin/dat.js', import.meta.url))
const NGINX = '/usr/sbin/nginx'
/** Of nginx's rate, for the file over TLS. */
const TARGET = 0.6
const CLIENTS = 100
const FILES = 10_000
/** What the zip may add to the memory of the gateway, in bytes: buffers, but nothing for each file. */
const GROWTH = 60e6

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, quick: { type: 'boolean' }, help: { type: 'boolean' } }
})
if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}
const ROUNDS = values.quick ? 1 : Number(values.rounds)
const BIG_MIB = values.quick ? 64 : 1024

const room = await mkdtemp(join(tmpdir(), 'dat-bench-gateway-'))
const children = []
let failed = false
try {
  await main()
} finally {
  for (const child of children) child.kill('SIGKILL')
  await rm(room, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)

async function main() {
  const source = join(room, 'source')
  await makeData(source)
  const cert = await certificate()
  const share = dat(['share', source, '--no-watch', '--no-dht', '--no-lan'])
  await share.event('import.done')
  share.child.kill('SIGINT')
  await share.ended
  const args = ['serve', source, '--listen', '127.0.0.1:0', '--tls-cert', cert.cert, '--tls-key', cert.key]
  const gateway = dat([...args, '--no-dht', '--no-lan'])
  const { url, port } = await gateway.event('gateway')
  const { searchParams } = new URL(url)
  const base = `https://127.0.0.1:${port}/~${searchParams.get('expires')}.${searchParams.get('signature')}/`
  await fileBesideNginx(source, cert, `${base}big.bin`)
  await manyClients(`${base}middle.bin`, gateway.child.pid)
  await folderAsZip(`${base}many/?archive=zip`, gateway.child.pid)
}

async function makeData(source) {
  await mkdir(join(source, 'many'), { recursive: true })
  await run('dd', ['if=/dev/urandom', `of=${join(source, 'big.bin')}`, 'bs=1M', `count=${BIG_MIB}`])
  await run('dd', ['if=/dev/urandom', `of=${join(source, 'middle.bin')}`, 'bs=1M', 'count=20'])
  for (let i = 0; i < FILES; i += 200) {
    const names = Array.from({ length: 200 }, (_, k) => `f${String(i + k).padStart(5, '0')}.txt`)
    await Promise.all(names.map((name, k) => writeFile(join(source, 'many', name), Buffer.alloc(8000 + k, `${name} `))))
  }
  // As data that have lain there: a file that was written just before it was indexed is hashed at each reading.
  const written = new Date(Date.now() - 3_600_000)
  for (const name of ['big.bin', 'middle.bin']) await utimes(join(source, name), written, written)
}

async function certificate() {
  const [cert, key] = [join(room, 'cert.pem'), join(room, 'key.pem')]
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await run('openssl', ['req', '-x509', ...curve, '-keyout', key, ...names, '-out', cert])
  return { cert, key }
}

function dat(args) {
  const env = { ...process.env, DAT_HOME: join(room, 'home'), DAT_BOOTSTRAP: 'none', DAT_LAN_INTERFACE: '127.0.0.1' }
  const child = spawn(process.execPath, [DAT, ...args, '--json'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const waiting = new Map()
  const seen = new Map()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = JSON.parse(line)
    seen.set(event.type, event)
    waiting.get(event.type)?.(event)
  })
  const ended = new Promise((resolve) => child.on('close', resolve))
  const event = (type) => seen.get(type) ?? new Promise((resolve) => waiting.set(type, resolve))
  return { child, ended, event }
}

/** In turns, so that whatever else the machine does meets both. */
async function fileBesideNginx(source, cert, url) {
  if (!existsSync(NGINX)) return report('1 file over TLS', `skipped: there is no ${NGINX}`, null)
  const port = 20_000 + (process.pid % 20_000)
  await startNginx(source, cert, port)
  const rates = { nginx: [], dat: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    const nginx = await rateOf(`https://127.0.0.1:${port}/big.bin`)
    const own = await rateOf(url)
    // The first one warms up caches.
    if (round === 0 && !values.quick) continue
    rates.nginx.push(nginx)
    rates.dat.push(own)
  }
  const [nginx, own] = [median(rates.nginx), median(rates.dat)]
  const ratio = median(rates.dat.map((rate, i) => rate / rates.nginx[i]))
  const text = `nginx ${mb(nginx)}, dat ${mb(own)}: ${Math.round(ratio * 100)} % (all: ${rates.dat.map((rate, i) => `${mb(rate)} of ${mb(rates.nginx[i])}`).join('; ')})`
  report(`1 file of ${BIG_MIB} MiB over TLS`, text, values.quick ? null : ratio >= TARGET)
}

async function startNginx(source, { cert, key }, port) {
  const file = join(room, 'nginx.conf')
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${room}/${name};`)
  await writeFile(
    file,
    `worker_processes 2; daemon off; pid ${room}/nginx.pid; error_log ${room}/nginx.log; user root;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; ${paths.join(' ')}
server { listen 127.0.0.1:${port} ssl; ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${cert}; ssl_certificate_key ${key}; root ${source}; } }`
  )
  children.push(spawn(NGINX, ['-c', file], { stdio: 'ignore' }))
  await run('curl', [
    '-sk',
    '--retry',
    '20',
    '--retry-connrefused',
    '--retry-delay',
    '1',
    '-o',
    '/dev/null',
    '-r',
    '0-0',
    `https://127.0.0.1:${port}/big.bin`
  ])
}

async function rateOf(url) {
  const { stdout } = await run('curl', ['-sSk', '--fail', '-o', '/dev/null', '-w', '%{speed_download}', url])
  return Number(stdout)
}

async function manyClients(url, pid) {
  const before = await memoryOf(pid)
  const watch = watchMemory(pid)
  const since = performance.now()
  const results = await Promise.allSettled(Array.from({ length: CLIENTS }, () => download(url)))
  const seconds = (performance.now() - since) / 1000
  const peak = await watch()
  const good = results.filter(({ value }) => value === 20 * 1024 * 1024).length
  const text = `${good} of ${CLIENTS} complete (20 MiB each) in ${seconds.toFixed(1)} s, memory ${mb(before)} → ${mb(peak)} at most`
  report(`${CLIENTS} clients at once`, text, good === CLIENTS)
}

async function folderAsZip(url, pid) {
  // The first time memory for this kind of work is taken; what counts is whether it grows with the files.
  await download(url)
  const before = await memoryOf(pid)
  const watch = watchMemory(pid)
  const file = join(room, 'many.zip')
  const since = performance.now()
  const bytes = await download(url, file)
  const seconds = (performance.now() - since) / 1000
  const growth = (await watch()) - before
  const { stdout } = await run('unzip', ['-tq', file])
  const text = `${mb(bytes)} in ${seconds.toFixed(1)} s, memory ${mb(before)} + ${mb(growth)} at most; ${stdout.trim()}`
  report(`${FILES} files as one zip`, text, growth < GROWTH && /No errors/.test(stdout))
}

function download(url, file = null) {
  return new Promise((resolve, reject) => {
    https
      .get(url, { rejectUnauthorized: false, agent: false }, (response) => {
        let bytes = 0
        response.on('data', (data) => {
          bytes += data.length
        })
        if (file) response.pipe(createWriteStream(file)).on('close', () => resolve(bytes))
        else response.on('end', () => resolve(bytes))
        response.on('error', reject)
      })
      .on('error', reject)
  })
}

async function memoryOf(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])
}

/** @returns what ends it and says how much it was at most */
function watchMemory(pid) {
  let peak = 0
  const look = async () => {
    peak = Math.max(peak, await memoryOf(pid))
  }
  const timer = setInterval(() => look().catch(() => {}), 50)
  return async () => {
    clearInterval(timer)
    await look()
    return peak
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

function mb(bytes) {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

function report(what, text, good) {
  if (good === false) failed = true
  console.log(`${good === null ? '     ' : good ? 'ok   ' : 'FAIL '}${what}: ${text}`)
}
