/**
 * What a client and a relay say to each other: docs/protocol/relay.md. Text messages are JSON and steer, binary
 * messages carry. Everything here comes from a stranger: what does not fit is null, never an exception.
 */

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = 'dat-relay-1'
/** The longest text message, in bytes. */
export const MAX_TEXT_BYTES = 16 * 1024
/** The most content of one binary message, in bytes. */
export const MAX_PAYLOAD_BYTES = 32 * 1024
/** The longest binary message, in bytes: its kind, two counters, content. */
export const MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES + 16
/** Sockets that one circuit may use at once. */
export const MAX_LANES = 8
/** Others of a topic that a client is told of, and keys found in the DHT. */
export const MAX_MEMBERS = 64
/** A step of a Noise handshake with its payload is a few hundred bytes. */
const MAX_NOISE_BYTES = 4096

/** Someone else who joined the same topic: `id` is the relay's name for the connection, `key` what it says its key is. */
export interface Member {
  id: string
  key: Buffer
}

export type ClientMessage =
  /** First on a control socket: look for others of this topic. */
  | { type: 'join'; topic: Buffer; key: Buffer }
  /** Ask the relay to look the topic up in the DHT. */
  | { type: 'look' }
  /** Ask for a circuit to a member. */
  | { type: 'connect'; id: string }
  /** Ask for a circuit to a peer of the DHT, who knows nothing of the relay. */
  | { type: 'dial'; key: Buffer }
  /** The answer to a step of the handshake; what hyperdht needs to punch holes comes with the last. */
  | { type: 'noise'; circuit: Buffer; data: Buffer; secret: Buffer | null; remoteId: Buffer | null }
  /** A circuit is not wanted any more. */
  | { type: 'drop'; circuit: Buffer }
  /** First on a lane socket. */
  | { type: 'lane'; circuit: Buffer; lane: number }

export type RelayMessage =
  | {
      type: 'joined'
      /** Sockets that a circuit may use at most. */
      lanes: number
      /** Whether the relay can look and dial in the DHT. */
      dht: boolean
      /** The key of the relay's blind relay for UDP in the DHT. */
      blind: Buffer | null
    }
  /** The blind relay can be reached now, or can not any more. */
  | { type: 'blind'; key: Buffer | null }
  /** Everyone else in the topic, whenever that changes. */
  | { type: 'members'; members: Member[] }
  | { type: 'found'; keys: Buffer[] }
  /** A circuit to this peer: open its lanes. `bridge`: it leads into the DHT, after a handshake by `noise`. */
  | { type: 'circuit'; circuit: Buffer; key: Buffer; initiator: boolean; bridge: boolean }
  /** A step of the handshake with a peer of the DHT: make (`send`) or read (`receive`) a message. */
  | { type: 'noise'; circuit: Buffer; step: 'send' | 'receive'; data: Buffer }
  /** The peer of the DHT is connected; lanes may be opened. */
  | { type: 'open'; circuit: Buffer }
  /** A circuit could not be made, or has ended. */
  | { type: 'failed'; key: Buffer; circuit: Buffer | null; message: string }
  /** On a lane: the other end is there. */
  | { type: 'paired' }
  /** The relay does not want this client (any more), and closes. */
  | { type: 'refused'; message: string }

interface Field {
  encode(value: unknown): unknown
  /** null is "does not fit", wrapped so that a field may be null. */
  decode(value: unknown): { value: unknown } | null
}

const hex: Field = {
  encode: (value) => (value as Buffer).toString('hex'),
  decode: (value) =>
    typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? { value: Buffer.from(value, 'hex') } : null
}

const noise: Field = {
  encode: (value) => (value as Buffer).toString('base64'),
  decode: (value) => {
    if (typeof value !== 'string' || value.length > MAX_NOISE_BYTES || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
      return null
    return { value: Buffer.from(value, 'base64') }
  }
}

const flag = plain((value) => typeof value === 'boolean')
const step = plain((value) => value === 'send' || value === 'receive')

function plain(fits: (value: unknown) => boolean): Field {
  return { encode: (value) => value, decode: (value) => (fits(value) ? { value } : null) }
}

function text(most: number): Field {
  return plain((value) => typeof value === 'string' && value.length <= most)
}

function integer(least: number, most: number): Field {
  return plain((value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
}

function nullable(field: Field): Field {
  return {
    encode: (value) => (value === null ? null : field.encode(value)),
    decode: (value) => (value === null ? { value } : field.decode(value))
  }
}

function list(field: Field): Field {
  return {
    encode: (value) => (value as unknown[]).map((item) => field.encode(item)),
    decode: (value) => {
      if (!Array.isArray(value) || value.length > MAX_MEMBERS) return null
      const items = value.map((item) => field.decode(item))
      return items.includes(null) ? null : { value: items.map((item) => item?.value) }
    }
  }
}

function record(shape: Record<string, Field>): Field {
  return {
    encode: (value) => encodeFields(value as Record<string, unknown>, shape),
    decode: (value) => {
      const decoded = decodeFields(value, shape)
      return decoded && { value: decoded }
    }
  }
}

const id = text(64)
const CLIENT_MESSAGES: Record<ClientMessage['type'], Record<string, Field>> = {
  join: { topic: hex, key: hex },
  look: {},
  connect: { id },
  dial: { key: hex },
  noise: { circuit: hex, data: noise, secret: nullable(hex), remoteId: nullable(hex) },
  drop: { circuit: hex },
  lane: { circuit: hex, lane: integer(0, MAX_LANES - 1) }
}
const RELAY_MESSAGES: Record<RelayMessage['type'], Record<string, Field>> = {
  joined: { lanes: integer(1, MAX_LANES), dht: flag, blind: nullable(hex) },
  blind: { key: nullable(hex) },
  members: { members: list(record({ id, key: hex })) },
  found: { keys: list(hex) },
  circuit: { circuit: hex, key: hex, initiator: flag, bridge: flag },
  noise: { circuit: hex, step, data: noise },
  open: { circuit: hex },
  failed: { key: hex, circuit: nullable(hex), message: text(300) },
  paired: {},
  refused: { message: text(300) }
}

/** A message as the text that goes over the wire: keys and tokens in hex, handshakes in base64. */
export function encodeMessage(message: ClientMessage | RelayMessage): string {
  // A type that both ends use has different fields at either.
  const shape = { ...CLIENT_MESSAGES, ...RELAY_MESSAGES, ...('secret' in message && CLIENT_MESSAGES) }[message.type]
  return JSON.stringify({ type: message.type, ...encodeFields(message as unknown as Record<string, unknown>, shape) })
}

/** Reads what a client sent; null if it is none of the messages. */
export function parseClientMessage(data: string): ClientMessage | null {
  return parse(data, CLIENT_MESSAGES) as ClientMessage | null
}

/** Reads what a relay sent; null if it is none of the messages. `message` texts are not yet fit for a terminal. */
export function parseRelayMessage(data: string): RelayMessage | null {
  return parse(data, RELAY_MESSAGES) as RelayMessage | null
}

function parse(data: string, shapes: Record<string, Record<string, Field>>): object | null {
  let value: unknown
  try {
    value = data.length > MAX_TEXT_BYTES ? null : JSON.parse(data)
  } catch {
    return null
  }
  const type = (value as { type?: unknown } | null)?.type
  if (typeof type !== 'string' || !Object.hasOwn(shapes, type)) return null
  const decoded = decodeFields(value, shapes[type] as Record<string, Field>)
  return decoded && { type, ...decoded }
}

function encodeFields(value: Record<string, unknown>, shape: Record<string, Field>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, field.encode(value[name])]))
}

function decodeFields(value: unknown, shape: Record<string, Field>): Record<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null
  const decoded: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(shape)) {
    const result = Object.hasOwn(value, name) ? field.decode((value as Record<string, unknown>)[name]) : null
    if (!result) return null
    decoded[name] = result.value
  }
  return decoded
}
