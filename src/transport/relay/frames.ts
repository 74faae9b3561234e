import { MAX_PAYLOAD_BYTES } from './protocol.js'

/**
 * The binary messages of a lane. Two clients exchange them and a relay passes them on without looking; where it bridges
 * into the DHT, the relay is one of the two ends.
 */

export type Frame =
  /** Content; `serial` counts the data frames of one direction over all lanes, from 0. */
  | { kind: 'data'; serial: number; payload: Buffer }
  /** No more content: `serial` data frames were sent. */
  | { kind: 'end'; serial: number }
  /** Bytes of content handed on in order over all lanes, and bytes of content that came by this lane. */
  | { kind: 'ack'; delivered: number; arrived: number }
  /** More lanes would help: both ends open theirs. */
  | { kind: 'widen' }

const DATA = 0
const END = 1
const ACK = 2
const WIDEN = 3
const COUNTER = 6

/** The head of a data frame, to be followed by its content. */
export function encodeData(serial: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(1 + COUNTER + payload.byteLength)
  frame[0] = DATA
  frame.writeUIntBE(serial, 1, COUNTER)
  frame.set(payload, 1 + COUNTER)
  return frame
}

export function encodeEnd(serial: number): Buffer {
  const frame = Buffer.alloc(1 + COUNTER)
  frame[0] = END
  frame.writeUIntBE(serial, 1, COUNTER)
  return frame
}

export function encodeAck(delivered: number, arrived: number): Buffer {
  const frame = Buffer.alloc(1 + 2 * COUNTER)
  frame[0] = ACK
  frame.writeUIntBE(delivered, 1, COUNTER)
  frame.writeUIntBE(arrived, 1 + COUNTER, COUNTER)
  return frame
}

export function encodeWiden(): Buffer {
  return Buffer.of(WIDEN)
}

/** Reads a binary message; null if it is none. The content is a view of `data`, not a copy. */
export function decodeFrame(data: Buffer): Frame | null {
  switch (data[0]) {
    case DATA: {
      const payload = data.subarray(1 + COUNTER)
      if (data.length <= 1 + COUNTER || payload.length > MAX_PAYLOAD_BYTES) return null
      return { kind: 'data', serial: data.readUIntBE(1, COUNTER), payload }
    }
    case END:
      return data.length === 1 + COUNTER ? { kind: 'end', serial: data.readUIntBE(1, COUNTER) } : null
    case ACK: {
      if (data.length !== 1 + 2 * COUNTER) return null
      return { kind: 'ack', delivered: data.readUIntBE(1, COUNTER), arrived: data.readUIntBE(1 + COUNTER, COUNTER) }
    }
    case WIDEN:
      return data.length === 1 ? { kind: 'widen' } : null
    default:
      return null
  }
}
