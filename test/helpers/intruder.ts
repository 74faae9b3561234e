import { readdir, readFile } from 'node:fs/promises'
import { connect as connectSocket, type Socket } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import Hyperdrive from 'hyperdrive'
import type { NoiseStream } from '../../src/transport/transport.js'

/** A hole in a socket: its frames, written as one likes. */
export interface Intruder {
  socket: Socket
  stream: NoiseStream
  /** Resolves when the connection is over. */
  over: Promise<void>
}

/**
 * Somebody who has found the port, and completes the handshake: that takes no link.
 * @param from the address on this machine to come from
 */
export async function intrude(port: number, from = '127.0.0.1'): Promise<Intruder> {
  const socket = connectSocket({ host: '127.0.0.1', port, localAddress: from })
  const stream = new NoiseSecretStream(true, socket, { keyPair: crypto.keyPair() })
  stream.on('error', () => {})
  const over = new Promise<void>((resolve) => stream.once('close', () => resolve()))
  await stream.opened
  return { socket, stream, over }
}

/** Announces a message of the given length, and sends so much of it. */
export function announceFrame({ socket }: Intruder, length: number, sent: number): void {
  const head = Buffer.alloc(3)
  head.writeUIntLE(length, 0, 3)
  socket.write(head)
  const piece = Buffer.alloc(Math.min(sent, 1024 * 1024), 0x5a)
  for (let left = sent; left > 0; left -= piece.length) socket.write(piece.subarray(0, left))
}

/** Frames of `count` openings of channels each, with names that nobody knows. */
export function openings(from: number, count: number): Buffer {
  const parts: Buffer[] = [Buffer.from([0, 0, 0])]
  for (let i = from; i < from + count; i++) {
    const id = Buffer.from([0xfd, i & 0xff, (i >> 8) & 0xff])
    // Control message 1: local id, protocol, id of 32 bytes.
    const body = Buffer.concat([Buffer.from([1]), id, Buffer.from([1, 0x78, 32]), crypto.randomBytes(32)])
    parts.push(Buffer.from([body.length]), body)
  }
  return Buffer.concat(parts)
}

/** What a peer of Hypercore can send, whether or not it makes sense. */
export interface RawPeer {
  wireRequest: { send(message: object): boolean }
  wireRange: { send(message: object): boolean }
  wireBitfield: { send(message: object): boolean }
  wireWant: { send(message: object): boolean }
}

/** Somebody who knows the link, reads the drive, and then misbehaves. */
export async function invite(
  intruder: Intruder,
  key: Buffer,
  folder: string
): Promise<{ meta: RawPeer; content: RawPeer; blocks: number; close(): Promise<void> }> {
  const store = new Corestore(folder)
  const drive = new Hyperdrive(store, key)
  await drive.ready()
  store.replicate(intruder.stream)
  const { core } = await drive.getBlobs()
  if (core.peers.length === 0) await new Promise((resolve) => core.once('peer-add', resolve))
  const peer = (one: { core: { replicator: { peers: unknown[] } } }) => one.core.replicator.peers[0] as RawPeer
  await core.update({ wait: true })
  return {
    meta: peer(drive.core as never),
    content: peer(core as never),
    blocks: core.length,
    close: async () => {
      await drive.close()
      await store.close()
    }
  }
}

/** What a process holds. */
export interface Footprint {
  /** Memory in MB. */
  rss: number
  files: number
}

export async function footprint(pid: number): Promise<Footprint> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN)
  return { rss: kilobytes / 1024, files: (await readdir(`/proc/${pid}/fd`)).length }
}
