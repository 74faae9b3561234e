import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { DatError, type ErrorCode, EXIT, fileError, reasonOf, systemCode } from '../../../src/base/errors.js'

/** Every code of the catalogue with the exit code that the contract gives it. */
const CODES: Record<ErrorCode, number> = {
  USAGE: 2,
  NOT_A_FOLDER: 2,
  NOT_A_CLONE: 2,
  KEY_FILE: 2,
  NO_VERSION: 2,
  NOT_SHARED: 2,
  EMPTY_SHARE: 2,
  PARTIAL: 3,
  NOT_A_LINK: 10,
  NO_PEER: 11,
  DENIED: 12,
  NOT_OWNER: 12,
  PASSPHRASE: 12,
  DESTINATION_OCCUPIED: 13,
  DESTINATION_OTHER: 13,
  ALTERED: 13,
  INDEX_LOCKED: 14,
  SHARED_ELSEWHERE: 14,
  INDEX_COPIED: 14,
  INDEX_DAMAGED: 14,
  SOURCE: 15,
  DISK_FULL: 16,
  PERMISSION: 16,
  MEMORY_LIMIT: 16,
  INTERRUPTED: 130
}

const system = (code: string) => Object.assign(new Error(`${code}: secret/path`), { code })

describe('DatError', () => {
  it.each(Object.entries(CODES))('%s exits with %d and says what to do', (code, exitCode) => {
    const error = new DatError(code as ErrorCode, 'it happened')
    expect(error.exitCode).toBe(exitCode)
    expect(error.hint.length).toBeGreaterThan(10)
    expect(error.message).toBe('it happened')
    expect(error.failures).toEqual([])
  })

  it('has no code that this list forgets', () => {
    const source = readFileSync(new URL('../../../src/base/errors.ts', import.meta.url), 'utf8')
    const catalogue = /const CATALOGUE = \{([\s\S]*?)\n\} as const/.exec(source)?.[1] ?? ''
    expect([...catalogue.matchAll(/^ {2}([A-Z_]+):/gm)].map((match) => match[1]).sort()).toEqual(
      Object.keys(CODES).sort()
    )
  })

  it('takes another hint, a cause and failures', () => {
    const cause = new Error('why')
    const error = new DatError('PARTIAL', 'x', { hint: '', cause, failures: [{ path: 'a', reason: 'b' }] })
    expect(error).toMatchObject({ hint: '', cause, failures: [{ path: 'a', reason: 'b' }] })
  })

  it('uses each exit code of the contract', () => {
    expect(Object.values(EXIT)).toEqual([0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 20, 21, 130])
  })
})

describe('systemCode', () => {
  it('names what libuv has no name for', () => {
    const { errno } = constants
    expect(systemCode(system(`Unknown system error -${errno.EDQUOT}`))).toBe('EDQUOT')
    expect(systemCode(system('Unknown system error -99999'))).toBe('Unknown system error -99999')
    expect(systemCode(system('ENOENT'))).toBe('ENOENT')
    expect(fileError(system(`Unknown system error -${errno.EDQUOT}`), 'write a')).toMatchObject({ exitCode: 16 })
  })
})

describe('fileError', () => {
  it.each([
    ['ENOSPC', 'DISK_FULL'],
    ['EDQUOT', 'DISK_FULL'],
    ['EACCES', 'PERMISSION'],
    ['EPERM', 'PERMISSION'],
    ['EROFS', 'PERMISSION'],
    ['EIO', 'SOURCE'],
    ['ENOENT', 'SOURCE']
  ])('%s is %s', (code, expected) => {
    const error = fileError(system(code), 'write data/a.csv')
    expect(error.code).toBe(expected)
    expect(error.message).toMatch(/^cannot write data\/a\.csv: /)
    expect(error.message).not.toContain('secret/path')
  })

  it('leaves a DatError as it is', () => {
    const error = new DatError('DENIED', 'no')
    expect(fileError(error, 'read')).toBe(error)
  })
})

describe('reasonOf', () => {
  it('is short for the errors of the system, and the message for others', () => {
    for (const code of [
      'EACCES',
      'ENOENT',
      'ENOSPC',
      'EDQUOT',
      'EROFS',
      'ENAMETOOLONG',
      'EIO',
      'EISDIR',
      'ENOTDIR',
      'EMFILE',
      'EINVAL'
    ]) {
      expect(reasonOf(system(code))).not.toMatch(/secret|E[A-Z]{3,}:/)
    }
    expect(reasonOf(new Error('odd'))).toBe('odd')
    expect(reasonOf('text')).toBe('text')
  })

  it('knows the code of an error, or none', () => {
    expect(systemCode(system('EIO'))).toBe('EIO')
    for (const other of [null, undefined, new Error('x'), { code: 5 }, 'EIO']) expect(systemCode(other)).toBe('')
  })
})
