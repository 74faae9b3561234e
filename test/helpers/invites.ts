import pairing from 'blind-pairing-core'
import type * as links from '../../src/base/invite-link.js'
import type { InviteLink } from '../../src/base/invite-link.js'
import type * as channels from '../../src/core/invite-channel.js'
import type { Told } from '../../src/core/invite-channel.js'
import type * as proofs from '../../src/core/invite-proof.js'
import type * as connector from '../../src/transport/connector.js'
import type { Network, NoiseStream } from '../../src/transport/transport.js'
import { defer } from './cleanup.js'
import { ALONE, built } from './core.js'

const { parseInvite } = await built<typeof links>('base/invite-link')
const { signUse, seedOf, redeemerOf } = await built<typeof proofs>('core/invite-proof')
const { InviteChannel } = await built<typeof channels>('core/invite-channel')
const { connect } = await built<typeof connector>('transport/connector')

/** A connection of somebody who speaks the protocol, and keeps to none of its rules. */
export async function attacker(invite: string): Promise<{ stream: NoiseStream; network: Network }> {
  const { topic, addresses } = parseInvite(invite)
  return new Promise((resolve, reject) => {
    const network = connect({
      ...ALONE,
      peers: addresses,
      topic,
      report: () => {},
      onpeer: async ({ stream }) => resolve({ stream, network: await network })
    })
    network.then((open) => defer(() => open.close()), reject)
  })
}

/** @param options.signedFor another stream than the one that it is sent on */
export function request(
  stream: NoiseStream,
  { secret, topic }: InviteLink,
  { signedFor = stream, user = 1, again = false }: { signedFor?: NoiseStream; user?: number; again?: boolean } = {}
): Buffer {
  const use = signUse(signedFor, redeemerOf(Buffer.alloc(32, user), secret), again) as Buffer
  const about = { seed: seedOf(secret), discoveryKey: topic }
  return new pairing.CandidateRequest(about, use, { session: Buffer.alloc(32, Math.random() * 255) }).encode()
}

/** Sends this. @returns what is answered; null when the stream is closed instead */
export function ask(stream: NoiseStream, message: Buffer): Promise<Told | null> {
  return new Promise((resolve) => {
    stream.once('close', () => resolve(null))
    const channel = InviteChannel.of(stream)
    channel.ontold = (told) => {
      if (told.type === 'answer') resolve(told)
    }
    channel.request(message)
  })
}
