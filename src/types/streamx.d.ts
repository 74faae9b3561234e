declare module 'streamx' {
  import type { EventEmitter } from 'node:events'

  export type Callback = (error?: Error | null) => void

  export class Stream extends EventEmitter {
    readonly destroying: boolean
    readonly destroyed: boolean
    destroy(error?: Error | null): void
  }

  export interface ReadableOptions {
    highWaterMark?: number
    byteLength?: (data: unknown) => number
    read?: (this: Readable, callback: Callback) => void
    destroy?: (this: Readable, callback: Callback) => void
    signal?: AbortSignal
  }
  // biome-ignore lint/suspicious/noExplicitAny: what a stream carries is known only to its maker
  export class Readable extends Stream implements AsyncIterable<any> {
    constructor(options?: ReadableOptions)
    static from(data: unknown, options?: ReadableOptions): Readable
    static isPaused(stream: Readable): boolean
    push(data: unknown): boolean
    read(): unknown
    resume(): this
    pause(): this
    pipe<T extends Writable | NodeJS.WritableStream>(destination: T, callback?: (error: Error | null) => void): T
    // biome-ignore lint/suspicious/noExplicitAny: what a stream carries is known only to its maker
    [Symbol.asyncIterator](): AsyncIterator<any>
    protected _read(callback: Callback): void
    protected _destroy(callback: Callback): void
    protected _predestroy(): void
  }

  export interface WritableOptions {
    highWaterMark?: number
    byteLength?: (data: unknown) => number
    write?: (this: Writable, data: unknown, callback: Callback) => void
    final?: (this: Writable, callback: Callback) => void
    destroy?: (this: Writable, callback: Callback) => void
    signal?: AbortSignal
  }
  export class Writable extends Stream {
    constructor(options?: WritableOptions)
    static drained(stream: Writable | Duplex): Promise<boolean>
    write(data: unknown): boolean
    end(data?: unknown): this
    protected _write(data: unknown, callback: Callback): void
    protected _final(callback: Callback): void
    protected _destroy(callback: Callback): void
  }

  export class Duplex extends Readable {
    constructor(options?: ReadableOptions & Omit<WritableOptions, 'read' | 'destroy'>)
    write(data: unknown): boolean
    end(data?: unknown): this
    protected _write(data: unknown, callback: Callback): void
    protected _final(callback: Callback): void
  }

  /** The error that destroyed a stream, or null. */
  export function getStreamError(stream: Stream, options?: { all?: boolean }): Error | null
}
