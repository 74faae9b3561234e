import { describe, expect, it } from 'vitest'
import { fileError } from '../../../src/base/errors.js'
import { taskError, toError } from '../../../src/storage/file-tasks.js'

describe('an error that leaves a worker', () => {
  it('keeps the name that the system has for it: a quota that is used up is a full disk', () => {
    const thrown = Object.assign(new Error('UNKNOWN: unknown error, write'), { code: 'UNKNOWN', errno: -122 })
    const arrived = toError(structuredClone(taskError(thrown)))
    expect(arrived.code).toBe('EDQUOT')
    expect(fileError(arrived, 'write a file')).toMatchObject({ code: 'DISK_FULL', exitCode: 16 })
  })

  it('keeps the codes of our own', () => {
    const thrown = Object.assign(new Error('a link is where a folder should be'), { code: 'ELINK' })
    expect(toError(taskError(thrown))).toMatchObject({ code: 'ELINK', message: thrown.message })
  })
})
