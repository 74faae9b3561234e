import pairing from 'blind-pairing-core'
import c from 'compact-encoding'
import dnsPacket from 'dns-packet'
import Protomux from 'protomux'
import { Duplex } from 'streamx'
import { parseDuration } from '../../dist/base/duration.js'
import { DatError } from '../../dist/base/errors.js'
import { formatInvite, isInvite, parseInvite } from '../../dist/base/invite-link.js'
import { formatKey, formatLink, looksLikeLink, parseLink } from '../../dist/base/link.js'
import { parseRelay, relayInLink, relayOfLink } from '../../dist/base/relay-url.js'
import { safeLinkText, safePath } from '../../dist/base/safe-path.js'
import { parseRate } from '../../dist/base/sizes.js'
import { printable } from '../../dist/base/terminal-text.js'
import { parseRecord } from '../../dist/cli/background/records.js'
import { formatNote, readNote } from '../../dist/cli/service/spec.js'
import { processRow, processTable } from '../../dist/cli/ui/processes.js'
import { hashOfAssembled } from '../../dist/core/download-records.js'
import { isEntry, mtimeOf, readInfo, readState } from '../../dist/core/entry.js'
import { parseKeep } from '../../dist/core/history-amount.js'
import { readHolder } from '../../dist/core/holder.js'
import { IgnoreRules, patternsOf } from '../../dist/core/ignore.js'
import { encodeTold, readTold } from '../../dist/core/invite-channel.js'
import { readJournal, refusalOf } from '../../dist/core/invite-journal.js'
import { halvesOf, openRequest, readRequest, redeemerOf, seedOf, signUse } from '../../dist/core/invite-proof.js'
import { readExported, readPreamble } from '../../dist/core/key-file.js'
import { PaceChannels } from '../../dist/core/pace.js'
import { survive } from '../../dist/core/peer-limits.js'
import { readStatus, StatusChannels } from '../../dist/core/status-channel.js'
import { readCode } from '../../dist/diagnostics/pair/code.js'
import { readNumber, readRoute } from '../../dist/diagnostics/pair/measure.js'
import { asRecord, dialable, readSide } from '../../dist/diagnostics/pair/side.js'
import { dateOf } from '../../dist/diagnostics/proxy-connect.js'
import { shortened, withoutLogin } from '../../dist/diagnostics/redact.js'
import { readServers } from '../../dist/diagnostics/targets.js'
import { readDelimited } from '../../dist/gateway/delimited.js'
import { Hosts } from '../../dist/gateway/hosts.js'
import { readOrder, wordsOf } from '../../dist/gateway/listings.js'
import { Login, readBasic } from '../../dist/gateway/login.js'
import { precondition, rangeIsMeant, readRange } from '../../dist/gateway/range.js'
import { disposition } from '../../dist/gateway/reply.js'
import { Signer } from '../../dist/gateway/signature.js'
import { encodePath, readTarget } from '../../dist/gateway/target.js'
import { BlockMap } from '../../dist/storage/block-map.js'
import { decodeRecord, encodeRecord } from '../../dist/storage/file-record.js'
import { blockSpan, isValidRange, uniformBlockSize } from '../../dist/storage/layout.js'
import { TreeNodes } from '../../dist/storage/tree-nodes.js'
import { addressGroup } from '../../dist/transport/address-group.js'
import { formatHostPort, parseHostPort, plainAddress } from '../../dist/transport/host-port.js'
import { announce, asksFor, instanceName, readAnnouncement } from '../../dist/transport/lan-records.js'
import { decodeFrame, encodeAck, encodeData, encodeEnd, encodeWiden } from '../../dist/transport/relay/frames.js'
import { LaneReceiver } from '../../dist/transport/relay/lane-receiver.js'
import { encodeMessage, parseClientMessage, parseRelayMessage } from '../../dist/transport/relay/protocol.js'

/**
 * Everything that reads what came from a peer, a relay, a link, the local network or the disk.
 * `files`: of `src`, for the test that none is forgotten. `samples`: valid inputs, to start from. `parse`: throws a
 * DatError for what it refuses, and nothing else, ever.
 */

const KEY = Buffer.alloc(32, 7)
const HEX = KEY.toString('hex')
const RANGE = { blockOffset: 3, blockLength: 2, byteOffset: 70, byteLength: 2 ** 20 + 5 }
const RECORD = { path: '/a', kind: 'file', state: 'done', executable: true, racy: false, size: 2 ** 20 + 5, mtime: 1.5 }
const NAME = instanceName(KEY)
const SIGNER = new Signer(KEY)
const LOGIN = new Login(KEY, KEY)
const HOME = { lanInterface: null }

function text(value) {
  return JSON.stringify(value)
}

function keysOf() {
  return { secret: HEX, publicKey: HEX, key: HEX }
}

function announcement(type) {
  const records = announce(NAME, { id: 'ab'.repeat(16), port: 4000, goodbye: false })
  const questions = [{ name: NAME, type: 'SRV' }]
  return dnsPacket.encode(type === 'query' ? { type, questions, additionals: records } : { type, answers: records })
}

/** A stream between peers, with the channels of dat on it, above the encryption. */
function channels() {
  const stream = new Duplex({ write: (_data, done) => done(null) })
  stream.on('error', () => {})
  stream.userData = null
  stream.rawStream = stream
  survive(stream)
  const peer = { id: 'peer', stream, route: 'tcp' }
  const pace = new PaceChannels(null, () => {})
  new StatusChannels({ onstatus: () => {} }).add(peer)
  pace.add(peer)
  return stream
}

/** What a peer sends to open both channels and to say something. */
function conversation() {
  const sent = []
  const stream = new Duplex({
    write(data, done) {
      sent.push(Buffer.from(data))
      done(null)
    }
  })
  stream.on('error', () => {})
  stream.userData = null
  const mux = Protomux.from(stream)
  mux.cork()
  for (const [protocol, encoding, value] of [
    ['dat/status/1', c.json, { version: 3, complete: true }],
    ['dat/pace/1', c.uint, 500_000]
  ]) {
    const channel = mux.createChannel({ protocol })
    const message = channel.addMessage({ encoding })
    channel.open()
    message.send(value)
  }
  mux.uncork()
  return sent
}

const STREAM = { handshakeHash: Buffer.alloc(64), publicKey: KEY, remotePublicKey: KEY }

function inviteRequest() {
  const secret = KEY.subarray(0, 16)
  const use = signUse(STREAM, redeemerOf(KEY, secret))
  return new pairing.CandidateRequest({ seed: seedOf(secret), discoveryKey: KEY }, use).encode()
}

export const PARSERS = {
  link: {
    files: ['base/link.ts'],
    samples: () => [
      formatLink(KEY, { version: 3, addresses: ['10.0.0.1:4000', '[::1]:80'], relays: ['wss://relay.example/dat'] }),
      `dat://${HEX}/a/b.csv`,
      formatKey(KEY)
    ],
    parse(input) {
      looksLikeLink(input)
      const { key, version, addresses, relays } = parseLink(input)
      formatLink(key, { version, addresses, relays })
    }
  },
  invite: {
    files: ['base/invite-link.ts'],
    samples: () => [
      formatInvite({ secret: KEY.subarray(0, 16), topic: KEY, addresses: ['10.0.0.1:4000'], relays: [] }),
      formatInvite({ secret: KEY.subarray(0, 16), topic: KEY, addresses: [], relays: ['wss://relay.example/dat'] })
    ],
    parse(input) {
      isInvite(input)
      formatInvite(parseInvite(input))
    }
  },
  'invite-request': {
    files: ['core/invite-proof.ts'],
    samples: () => [inviteRequest(), inviteRequest().subarray(0, 90)],
    parse(input) {
      const request = readRequest(input)
      if (request) openRequest(request, halvesOf(KEY.subarray(0, 16), KEY).publicKey.toString('hex'), STREAM)
    }
  },
  'invite-answer': {
    files: ['core/invite-channel.ts'],
    samples: () => [
      encodeTold({ type: 'answer', sealed: KEY, date: 3 }),
      encodeTold({ type: 'over', why: 'expired', date: 4 }),
      encodeTold({ type: 'gated', owner: { since: 1, fork: 0, signature: HEX } })
    ],
    parse: readTold
  },
  'invite-journal': {
    files: ['core/invite-journal.ts'],
    samples: () => [
      [
        { op: 'make', id: HEX, publicKey: HEX, note: 'x', expires: 5, uses: 1, time: 3 },
        { op: 'use', id: HEX, redeemer: HEX, from: '10.0.0.1:4000', time: 4 },
        { op: 'renew', id: HEX, expires: null, uses: null, time: 5 },
        { op: 'revoke', id: HEX, time: 6 }
      ]
        .map(text)
        .join('\n')
    ],
    parse(input) {
      for (const invite of readJournal(input).values()) refusalOf(invite, HEX, 4)
    }
  },
  duration: {
    files: ['base/duration.ts'],
    samples: () => ['30m', '24h', '7 d', '2w', '90s', '1y'],
    parse: (input) => parseDuration(input, '--expires')
  },
  'relay-url': {
    files: ['base/relay-url.ts'],
    samples: () => ['wss://relay.example:8443/dat', 'ws:10.0.0.1:80~a~b', 'https://[::1]/', 'relay.example'],
    parse(input) {
      const url = parseRelay(input) ?? relayOfLink(input)
      if (url) relayInLink(url)
    }
  },
  'host-port': {
    files: ['transport/host-port.ts', 'transport/address-group.ts'],
    samples: () => ['192.168.1.20:4000', '[fe80::1%eth0]:4000', '::ffff:10.0.0.1', 'host.example:0', '4000'],
    parse(input) {
      addressGroup(input)
      plainAddress(input)
      const { host, port } = parseHostPort(input)
      formatHostPort(host, port)
    }
  },
  keep: { files: ['core/history-amount.ts'], samples: () => ['30d', '12h', '10', 'all', '999999y'], parse: parseKeep },
  rate: { files: ['base/sizes.ts'], samples: () => ['10M', '500K', '2.5MB/s', '1000000'], parse: parseRate },
  'gateway-target': {
    files: ['gateway/target.ts', 'gateway/signature.ts', 'gateway/listings.ts'],
    samples: () => {
      const { expires, signature } = SIGNER.sign('data', 1795939597)
      return [
        `/data/a%20b.csv?expires=${expires}&signature=${signature}&sort=size&order=desc&page=2`,
        `/~${expires}.${signature}/data/?q=frog&version=3`,
        '/%2e%2e/%2e%2e%2fetc/passwd'
      ]
    },
    parse(input) {
      const target = readTarget(input)
      if (!target) return
      const { parts, query, credential } = target
      if (parts.some((part) => /^\.{0,2}$/.test(part) || /[/\0]/.test(part))) throw new Error('a way out of the share')
      const again = readTarget(`/${encodePath(parts.join('/'))}`)
      if (again?.parts.join('/') !== parts.join('/')) throw new Error('another path')
      if (credential && SIGNER.covers(parts, credential) !== null) {
        const { expires, signature } = credential
        const good = parts.some((_, i) => SIGNER.sign(parts.slice(0, i + 1).join('/'), expires).signature === signature)
        if (!good && SIGNER.sign('', expires).signature !== signature) throw new Error('a signature that is none')
      }
      readOrder(query)
      wordsOf(query.get('q') ?? '')
    }
  },
  'gateway-headers': {
    files: ['gateway/range.ts', 'gateway/login.ts', 'gateway/hosts.ts', 'gateway/reply.ts'],
    samples: () => [
      'bytes=0-99',
      'bytes=-5',
      '"abc", W/"def"',
      'Sun, 22 Nov 2026 08:07:12 GMT',
      'Basic OmE=',
      '[::1]:80'
    ],
    parse(input) {
      const range = readRange(input, 1000)
      if (range && range !== 'unsatisfiable' && !(range.start >= 0 && range.start < range.end && range.end <= 1000)) {
        throw new Error('a range that is none')
      }
      rangeIsMeant(input, '"abc"', 1000)
      precondition({ ifMatch: input, ifNoneMatch: input }, '"abc"', 1000)
      precondition({ ifModifiedSince: input, ifUnmodifiedSince: input }, '"abc"', 1000)
      readBasic(input)
      if (LOGIN.knows(input)) throw new Error('a cookie that is none')
      new Hosts([]).accept(input)
      if (/[^\x20-\x7e]/.test(disposition('inline', input))) throw new Error('a header that ends')
    }
  },
  'gateway-table': {
    files: ['gateway/delimited.ts'],
    samples: () => ['a,b\n1,"x ""y"",\n2"\r\n', '\ufeffa\tb\n', '"'],
    parse(input) {
      const { rows } = readDelimited(input, ',', true)
      if (rows.length > 200 || rows.some((row) => row.length > 60)) throw new Error('too much of it')
    }
  },
  'safe-path': {
    files: ['base/safe-path.ts'],
    samples: () => ['/data/a.csv', '/../etc/passwd', '/.dat/index', '/con.txt', '/a b/é.txt'],
    parse(input) {
      for (const platform of ['linux', 'win32', 'darwin']) {
        const result = safePath(input, platform)
        if (result.ok && result.relative.split('/').some((part) => part === '..' || part === '')) {
          throw new Error('a way out of the folder')
        }
      }
      safeLinkText(input)
    }
  },
  'terminal-text': {
    files: ['base/terminal-text.ts', 'diagnostics/redact.ts'],
    samples: () => ['a.csv', '\x1b[2Jx', 'exe.\u202etxt', 'http://user:pass@proxy.example:3128/'],
    parse(input) {
      if (/[\x00-\x1f\x7f-\x9f]/.test(printable(input))) throw new Error('a control character is left')
      withoutLogin(input)
      if (shortened(`${input} ${formatLink(KEY)}`).includes(formatKey(KEY))) throw new Error('a key is left')
    }
  },
  datignore: {
    files: ['core/ignore.ts'],
    // The library keeps an expression for each pattern that it has seen.
    slice: 20_000,
    samples: () => ['*.tmp', '/build/', '!keep.csv', '**/a/**/b', 'a[0-9].csv', '\\#x', '# comment\n*.log\n'],
    parse(input) {
      const rules = IgnoreRules.root(patternsOf(input), false)
      for (const path of ['a/b/c.csv', 'build/', 'keep.csv', `${'a'.repeat(60)}/b`]) rules.reason(path)
    }
  },
  'relay-client-message': {
    files: ['transport/relay/protocol.ts'],
    samples: () => [
      encodeMessage({ type: 'join', topic: KEY, key: KEY }),
      encodeMessage({ type: 'noise', circuit: KEY, data: KEY, secret: KEY, remoteId: null }),
      encodeMessage({ type: 'lane', circuit: KEY, lane: 2 })
    ],
    parse: parseClientMessage
  },
  'relay-server-message': {
    files: ['transport/relay/protocol.ts', 'transport/relay/control.ts'],
    samples: () => [
      encodeMessage({ type: 'joined', lanes: 8, dht: true, blind: KEY }),
      encodeMessage({ type: 'members', members: [{ id: '1', key: KEY }] }),
      encodeMessage({ type: 'circuit', circuit: KEY, key: KEY, initiator: true, bridge: false }),
      encodeMessage({ type: 'failed', key: KEY, circuit: null, message: 'no' })
    ],
    parse: parseRelayMessage
  },
  'relay-frame': {
    files: ['transport/relay/frames.ts', 'transport/relay/lane-receiver.ts'],
    samples: () => [encodeData(0, KEY), encodeEnd(1), encodeAck(32, 32), encodeWiden()],
    parse(input) {
      const frame = decodeFrame(input)
      const receiver = new LaneReceiver()
      if (frame?.kind === 'data') receiver.accept(frame.serial, frame.payload)
      if (frame?.kind === 'end') receiver.finish(frame.serial)
      receiver.take()
    }
  },
  'lan-packet': {
    files: ['transport/lan-records.ts'],
    samples: () => [announcement('query'), announcement('response')],
    parse(input) {
      let packet
      try {
        packet = dnsPacket.decode(input)
      } catch {
        // multicast-dns tells of it by 'warning', whatever is thrown.
        return
      }
      asksFor(NAME, packet)
      readAnnouncement(NAME, packet)
    }
  },
  'peer-channels': {
    files: ['core/peer-limits.ts', 'core/pace.ts'],
    samples: conversation,
    parse(input) {
      const stream = channels()
      stream.emit('data', input)
      stream.destroy()
    }
  },
  status: {
    files: ['core/status-channel.ts'],
    samples: () => [{ version: 3, complete: true }, { ack: true }].map((value) => c.encode(c.json, value)),
    parse: readStatus
  },
  assembled: {
    files: ['core/download-records.ts'],
    samples: () => ['{"blob":{"blockOffset":3},"hash":"00ff"}'],
    parse: (target) => hashOfAssembled({ kind: 'file', target })
  },
  holder: {
    files: ['core/holder.ts'],
    samples: () => ['{"pid":4711,"host":"lab-3.example.org","work":"share"}'],
    parse(input) {
      const holder = readHolder(input)
      if (holder && !/^[\w.-]+ [a-z]+ \d+$/.test(`${holder.host} ${holder.work} ${holder.pid}`)) throw new Error('odd')
    }
  },
  'key-file': {
    files: ['core/key-file.ts'],
    samples: () => [
      Buffer.concat([Buffer.from('dat keys 1\n'), Buffer.from('0000000300040000', 'hex'), Buffer.alloc(40, 7)]),
      Buffer.from(text({ id: HEX.slice(32), time: 1, ...keysOf(), file: null, fork: 0, version: 3 })),
      Buffer.from(text({ id: HEX.slice(32), time: 1, ...keysOf(), file: 'a.csv', fork: 2 ** 30, version: 3 }))
    ],
    parse(input) {
      // One after the other, as they are in a file; what is no preamble may still be what is behind one.
      try {
        const { operations, memoryKib } = readPreamble(input)
        if (operations > 16 || memoryKib > 2 ** 20) throw new Error('too much work')
      } catch (error) {
        if (!isRefusal(error)) throw error
        const { file, fork, version, time } = readExported(input.toString())
        if (file?.includes('/')) throw new Error('a way out of the folder')
        new Date(time).toISOString()
        if (![fork, version].every(Number.isSafeInteger)) throw new Error('no number')
      }
    }
  },
  'running-share': {
    files: ['cli/background/records.ts'],
    samples: () => [
      '{"id":"0123456789abcdef","pid":4711,"host":"login1","machine":"00ff","boot":"b","space":"pid:[1]","start":"9",' +
        '"dir":"/data/soil","work":"share","mode":"service","since":1772373900000,"updated":1772373960000,' +
        '"places":{"addresses":["192.0.2.1:4000"],"relays":[]},"options":["--no-lan"],"log":null,"state":"indexing",' +
        '"percent":45,"peers":2,"complete":1,"sentBytes":1500000000,"failure":null}'
    ],
    parse(input) {
      const record = parseRecord(input)
      if (!record) return
      for (const whereabouts of ['running', 'killed', 'elsewhere']) {
        processRow({ record, whereabouts })
        const lines = processTable([{ record, whereabouts }], { width: 80, now: 1772374000000 })
        if (lines.some((line) => printable(line) !== line)) throw new Error('odd')
      }
    }
  },
  'service-note': {
    files: ['cli/service/spec.ts'],
    samples: () => [
      formatNote({ dir: '/data/two "words"\n%h', work: 'share' }),
      '# dat-service: {"dir":"/","work":"sync"}'
    ],
    parse(input) {
      const note = readNote(input)
      if (note && readNote(formatNote(note))?.dir !== note.dir) throw new Error('odd')
    }
  },
  'doctor-code': {
    files: ['diagnostics/pair/code.ts'],
    samples: () => ['abcde-fghjk-mnpqr', 'ABCDE FGHJK MNPQR'],
    parse: readCode
  },
  'doctor-message': {
    files: ['diagnostics/pair/side.ts', 'diagnostics/pair/wire.ts', 'diagnostics/pair/measure.ts'],
    samples: () => [
      {
        ...{
          verdict: 'open',
          certain: true,
          warnings: ['clock'],
          udp: 'yes',
          web: 'no',
          other: 'unknown',
          proxy: 'no'
        },
        ...{ inbound: 'yes', randomized: 'no', multicast: 'yes', publicAddress: '192.0.2.1', addresses: ['10.0.0.1'] },
        ...{ relays: [{ url: 'wss://relay.example', works: 'yes' }], dht: true, lan: true, listens: false },
        listening: ['10.0.0.1:4000', '[::1]:4000']
      },
      { type: 'measure', route: 'tcp', rtt: 3.5 }
    ],
    parse(input) {
      const side = readSide(input)
      if (side) dialable(side.listening, HOME)
      const message = asRecord(input)
      if (message) readRoute(message, new Set(['tcp']))
      readNumber(message?.rtt, 1000)
    }
  },
  'proxy-answer': {
    files: ['diagnostics/proxy-connect.ts', 'diagnostics/targets.ts'],
    samples: () => ['Sun, 22 Nov 2026 04:00:00 GMT', 'nameserver 192.0.2.1\nnameserver 2001:db8::1\n', 'search a b'],
    parse(input) {
      dateOf(input)
      readServers(input)
    }
  },
  entry: {
    files: ['core/entry.ts', 'storage/layout.ts'],
    samples: () => [
      { executable: true, linkname: null, blob: RANGE, metadata: { mtime: 1.5 } },
      { executable: false, linkname: '../a', blob: null, metadata: null },
      { complete: true, time: 1, files: 2, bytes: 3 },
      { name: 'share', file: false }
    ],
    parse(input) {
      if (isEntry(input)) {
        mtimeOf(input)
        const { blob = null } = input
        const size = blob && uniformBlockSize(blob)
        if (size) blockSpan(blob, size, blob.blockOffset)
      }
      readState(input)
      readInfo(input)
    }
  },
  'file-record': {
    files: ['storage/file-record.ts', 'storage/stored-json.ts', 'storage/file-index.ts'],
    samples: () => [
      encodeRecord({ ...RECORD, inode: 9, range: RANGE, target: '' }),
      encodeRecord({ ...RECORD, kind: 'link', inode: 9, range: null, target: '../a' }),
      Buffer.from(text([3, 2, 70, 1]))
    ],
    parse: (input) => decodeRecord('/a', input)
  },
  'block-map': {
    files: ['storage/block-map.ts'],
    samples: () => [RANGE, { blockOffset: 0, blockLength: 1, byteOffset: 0, byteLength: 1 }],
    async parse(input) {
      if (!isValidRange(input ?? {})) return
      const range = { ...input }
      const index = {
        rangesFrom: async () => [{ path: '/a', blockOffset: range.blockOffset }],
        getMany: async () => [{ ...RECORD, range }]
      }
      await new BlockMap(index).owners(range.blockOffset)
    }
  },
  'tree-nodes': {
    files: ['storage/tree-nodes.ts'],
    samples: () => [
      { index: 4, size: 9 },
      { index: 2 ** 40, size: 1 },
      { index: 127, size: 2 ** 50 }
    ],
    parse(input) {
      // The index comes from Hypercore, which reads it as a whole number.
      const index = input?.index
      if (!Number.isSafeInteger(index) || index < 0) return
      const nodes = new TreeNodes(true)
      nodes.add([{ index, size: 1, hash: KEY }])
      nodes.get(index)
      nodes.get(index + 1)
    }
  }
}

/** Refusals are DatErrors; anything else is a bug. */
export function isRefusal(error) {
  return error instanceof DatError
}
