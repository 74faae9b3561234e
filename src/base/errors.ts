/**
 * Every way in which dat can fail that is not a bug: its code, its exit code, and what to type next.
 * `cli/ui/error` is the only place that turns one into text or JSON; core and transports only throw it.
 */

import { constants } from 'node:os'

/** Exit codes of the command line, as `docs/scripting.md` lists them. */
export const EXIT = {
  done: 0,
  bug: 1,
  usage: 2,
  partial: 3,
  notALink: 10,
  noPeer: 11,
  denied: 12,
  destination: 13,
  index: 14,
  source: 15,
  disk: 16,
  relayOnly: 20,
  blocked: 21,
  interrupted: 130
} as const

const CATALOGUE = {
  USAGE: { exitCode: EXIT.usage, hint: 'run `dat --help`' },
  NOT_A_FOLDER: { exitCode: EXIT.usage, hint: 'give a folder or a file that exists, or `.` for this folder' },
  NOT_A_CLONE: { exitCode: EXIT.usage, hint: 'run this inside a folder made by `dat clone` or `dat share`' },
  NO_VERSION: { exitCode: EXIT.usage, hint: 'run `dat log <link>` to see what there is; the newest needs no version' },
  NOT_SHARED: { exitCode: EXIT.usage, hint: '`dat ps` lists what is shared' },
  EMPTY_SHARE: { exitCode: EXIT.usage, hint: 'look at .datignore, or run again with --no-ignore' },
  PARTIAL: { exitCode: EXIT.partial, hint: 'run the same command again to retry what failed' },
  NOT_A_LINK: {
    exitCode: EXIT.notALink,
    hint: 'a link looks like dat:// followed by 52 letters and digits; copy it again, whole'
  },
  NO_PEER: {
    exitCode: EXIT.noPeer,
    hint: 'is `dat share` still running on the other computer? If it is, run `dat doctor`'
  },
  DENIED: { exitCode: EXIT.denied, hint: 'ask the owner for a new link' },
  NOT_OWNER: {
    exitCode: EXIT.denied,
    hint: 'only the computer that owns a share can do this; `dat keys` says what this one is'
  },
  PASSPHRASE: {
    exitCode: EXIT.denied,
    hint: 'type the passphrase that was chosen at `dat keys export`'
  },
  KEY_FILE: {
    exitCode: EXIT.usage,
    hint: 'copy the file again, whole; it is what `dat keys export --out FILE` wrote'
  },
  DESTINATION_OCCUPIED: {
    exitCode: EXIT.destination,
    hint: 'choose another folder: dat clone <link> <new folder>'
  },
  DESTINATION_OTHER: {
    exitCode: EXIT.destination,
    hint: 'choose another folder: dat clone <link> <new folder>'
  },
  ALTERED: {
    exitCode: EXIT.destination,
    hint: 'move your version away, or run again with --force to overwrite it'
  },
  INDEX_LOCKED: {
    exitCode: EXIT.index,
    hint: 'another dat works in this folder: stop it first, or use that one'
  },
  SHARED_ELSEWHERE: { exitCode: EXIT.index, hint: 'type it on that computer' },
  INDEX_COPIED: {
    exitCode: EXIT.index,
    hint: 'if the other copy is gone for good, run `dat share --moved`'
  },
  INDEX_DAMAGED: {
    exitCode: EXIT.index,
    hint: 'your files are untouched. A clone: clone into a new folder. Your own share: move .dat away, then share again'
  },
  SOURCE: { exitCode: EXIT.source, hint: 'check that the file exists and that you may read it' },
  DISK_FULL: { exitCode: EXIT.disk, hint: 'free some space and run the same command again: it resumes' },
  PERMISSION: { exitCode: EXIT.disk, hint: 'check the permissions of that folder, or choose another one' },
  MEMORY_LIMIT: {
    exitCode: EXIT.disk,
    hint: 'in a batch job, ask for more memory (Slurm: --mem=8G, Grid Engine: -l h_vmem=8G); else ask who runs the computer to raise the limit'
  },
  INTERRUPTED: { exitCode: EXIT.interrupted, hint: 'run the same command again to go on' }
} as const satisfies Record<string, { exitCode: number; hint: string }>

export type ErrorCode = keyof typeof CATALOGUE

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(CATALOGUE, text)
}

/** One thing that failed, named: the path is the file's path inside the share. */
export interface Failure {
  path: string
  reason: string
}

/** A failure that is the user's message: what happened, to which file or peer, and what to type next. */
export class DatError extends Error {
  readonly code: ErrorCode
  readonly exitCode: number
  readonly hint: string
  /** What failed, one by one, where the rest went on (exit code 3 and 13). */
  readonly failures: readonly Failure[]

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; cause?: unknown; failures?: readonly Failure[] } = {}
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'DatError'
    this.code = code
    this.exitCode = CATALOGUE[code].exitCode
    this.hint = options.hint ?? CATALOGUE[code].hint
    this.failures = options.failures ?? []
  }
}

/** The `code` of a Node.js system error (`ENOENT`, `ENOSPC`, …), or '' for anything else. */
export function systemCode(error: unknown): string {
  const { code, errno } = (error ?? {}) as NodeJS.ErrnoException
  if (typeof code !== 'string') return ''
  // The two ways in which Node says it, of what was done without and with waiting.
  const number = code === 'UNKNOWN' ? -(errno ?? 0) : Number(/^Unknown system error -(\d+)$/.exec(code)?.[1] ?? 0)
  return NAMES.get(number) ?? code
}

/** What the system says, or V8, where it gives no memory; without more of it nothing else can be done. */
export function memoryError(error: unknown): DatError | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof DatError || !isOutOfMemory(cause)) continue
    return new DatError('MEMORY_LIMIT', `the system gives this process no more memory: ${cause.message}`, {
      cause: error
    })
  }
  return null
}

const OUT_OF_MEMORY = new Set(['ENOMEM', 'ERR_MEMORY_ALLOCATION_FAILED', 'ERR_WORKER_OUT_OF_MEMORY'])

function isOutOfMemory(error: Error): boolean {
  const range = error instanceof RangeError && /allocation failed|out of memory|could not allocate/i.test(error.message)
  return range || OUT_OF_MEMORY.has(systemCode(error)) || /cannot allocate memory|bad_alloc/i.test(error.message)
}

/** libuv has no name for some errors that file systems give, EDQUOT among them; Node's own table has. */
const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number as number, name]))

/**
 * Says what a failed file operation means to the person at the keyboard.
 * @param doing the operation and its object, as in `write data/a.csv`
 */
export function fileError(error: unknown, doing: string): DatError {
  if (error instanceof DatError) return error
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const what = code === 'EDQUOT' ? 'your disk quota is used up' : 'the disk is full'
    return new DatError('DISK_FULL', `cannot ${doing}: ${what}`, { cause: error })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const what = code === 'EROFS' ? 'the file system is read-only' : 'permission denied'
    return new DatError('PERMISSION', `cannot ${doing}: ${what}`, { cause: error })
  }
  return new DatError('SOURCE', `cannot ${doing}: ${reasonOf(error)}`, { cause: error })
}

/** A short reason for a person, without stack trace or path. */
export function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied'
    case 'ENOENT':
      return 'it no longer exists'
    case 'ENOSPC':
      return 'the disk is full'
    case 'EDQUOT':
      return 'your disk quota is used up'
    case 'EROFS':
      return 'the file system is read-only'
    case 'ENAMETOOLONG':
      return 'the name is too long for this file system'
    case 'EIO':
      return 'the disk reports an error (EIO)'
    case 'EISDIR':
      return 'a folder is in its place'
    case 'ENOTDIR':
      return 'a file is where a folder should be'
    case 'ELINK':
      return 'a link is where a folder should be'
    case 'ELOOP':
      return 'a link is in its place'
    case 'EMFILE':
    case 'ENFILE':
      return 'too many open files'
    case 'EINVAL':
    case 'EILSEQ':
      return 'this file system cannot hold that name'
    default:
      return error instanceof Error ? plainMessage(error.message) : String(error)
  }
}

/** Node's `EBUSY: resource busy or locked, rename '/a' -> '/b'` without operation and paths. */
function plainMessage(message: string): string {
  const [, code, what] = /^(E[A-Z0-9]+): ([^,]+), [a-z]+(?: '|$)/.exec(message) ?? []
  return code ? `${what} (${code})` : message
}
