declare module 'blind-pairing-core' {
  interface Auth {
    key: Buffer
    encryptionKey: Buffer | null
  }
  export class CandidateRequest {
    constructor(
      invite: { seed: Buffer; discoveryKey: Buffer },
      userData: Buffer,
      options?: { /** 32 bytes, which no other request may have. */ session?: Buffer }
    )
    readonly inviteId: Buffer
    /** The code of a refusal is that of the library: PAIRING_REJECTED, INVITE_USED or INVITE_EXPIRED. */
    once(event: 'rejected', listener: (error: Error & { code?: string }) => void): this
    encode(): Buffer
    /** Null for an answer that is no acceptance. */
    handleResponse(response: Buffer): Auth | null
    destroy(): void
  }
  export class MemberRequest {
    static from(request: Buffer): MemberRequest
    readonly inviteId: Buffer
    readonly response: Buffer
    /** @throws when whoever asks does not have the invite. @returns what came with the request */
    open(publicKey: Buffer): Buffer
    confirm(auth: { key: Buffer; encryptionKey?: Buffer }): void
    /** 1: rejected, 2: used, 3: expired */
    deny(options: { status: 1 | 2 | 3 }): void
  }
  export function createInvite(key: Buffer, options: { seed: Buffer }): { id: Buffer; publicKey: Buffer }
  const _default: {
    CandidateRequest: typeof CandidateRequest
    MemberRequest: typeof MemberRequest
    createInvite: typeof createInvite
  }
  export default _default
}
