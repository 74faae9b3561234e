import c from 'compact-encoding'
import Protomux, { type Channel } from 'protomux'
import type { NoiseStream } from '../transport/transport.js'

/**
 * How an invite is used, on a Protomux channel of a stream on which nothing has been proved yet: one request, one
 * answer. Both are sealed by `blind-pairing-core`. docs/storage-format.md, "On the wire".
 */
export const INVITE_PROTOCOL = 'dat/invite/1'
/** The longest message, in bytes. */
export const MAX_INVITE_MESSAGE = 2048

/** What is answered to a request. */
export interface Answer {
  /** For who has the invite; null when nobody here knows it. */
  sealed: Buffer | null
  /** Of a refusal, and as far to be trusted as it is: when the invite expired. */
  date: number | null
}

/**
 * Opens the channel at one end of a stream. The same at both.
 * @returns null when there is one already
 */
export function openInviteChannel(
  stream: NoiseStream,
  handlers: { onopen?: () => void; onmessage: (message: Uint8Array) => void; onclose?: () => void }
): { channel: Channel; send(message: Uint8Array): void } | null {
  const { onopen, onmessage, onclose } = handlers
  const mux = Protomux.from(stream)
  const channel = mux.createChannel({
    protocol: INVITE_PROTOCOL,
    ...(onopen && { onopen }),
    ...(onclose && { onclose })
  })
  if (!channel) return null
  const message = channel.addMessage<Uint8Array>({
    encoding: c.raw,
    onmessage: (data) => {
      if (data.byteLength > MAX_INVITE_MESSAGE) channel.close()
      else onmessage(data)
    }
  })
  channel.open()
  return { channel, send: (data) => message.send(data) }
}

export function encodeAnswer({ sealed, date }: Answer): Uint8Array {
  return Buffer.from(JSON.stringify({ sealed: sealed?.toString('base64') ?? null, date }))
}

/** Reads an answer; null if it is none. */
export function readAnswer(data: Uint8Array): Answer | null {
  let value: unknown
  try {
    value = data.byteLength > MAX_INVITE_MESSAGE ? null : JSON.parse(Buffer.from(data).toString())
  } catch {
    return null
  }
  const { sealed, date } = (value ?? {}) as Record<string, unknown>
  if (sealed !== null && typeof sealed !== 'string') return null
  // Years that a Date can hold, and no others.
  const day = typeof date === 'number' && Number.isSafeInteger(date) && date >= 0 && date < 8.64e15 ? date : null
  return { sealed: sealed === null ? null : Buffer.from(sealed, 'base64'), date: day }
}
