import { describe, expect, it } from 'vitest'
import { newCode, readCode, Secrets } from '../../../../src/diagnostics/pair/code.js'

const CODE = newCode()

function refusal(text: string): string {
  try {
    return `accepted as ${readCode(text)}`
  } catch (error) {
    return (error as Error).message
  }
}

describe('a code', () => {
  it('has three groups of letters that are easy to tell apart', () => {
    for (let i = 0; i < 200; i++) expect(newCode()).toMatch(/^(?:[a-hjkmnp-z]{5}-){2}[a-hjkmnp-z]{5}$/)
  })

  it('is another one each time', () => {
    expect(new Set(Array.from({ length: 500 }, newCode)).size).toBe(500)
  })

  it('is read however it is typed', () => {
    for (const text of [CODE, CODE.toUpperCase(), CODE.replaceAll('-', ''), ` ${CODE.replaceAll('-', ' ')} `]) {
      expect(readCode(text)).toBe(CODE)
    }
  })

  it('with one wrong letter is refused, whichever it is', () => {
    for (let i = 0; i < CODE.length; i++) {
      if (CODE[i] === '-') continue
      const wrong = CODE[i] === 'a' ? 'b' : 'a'
      expect(refusal(CODE.slice(0, i) + wrong + CODE.slice(i + 1))).toBe(
        'one letter of this code is wrong, or two have changed places'
      )
    }
  })

  it('with two letters that changed places is refused', () => {
    const letters = CODE.replaceAll('-', '')
    for (let i = 0; i + 1 < letters.length; i++) {
      if (letters[i] === letters[i + 1]) continue
      const swapped = letters.slice(0, i) + letters[i + 1] + letters[i] + letters.slice(i + 2)
      expect(refusal(swapped)).toMatch(/changed places/)
    }
  })

  it.each([
    ['', 'this is no code: it has 0 letters, not 15'],
    ['abcde-fghjk', 'this is no code: it has 10 letters, not 15'],
    ['abcde-fghjk-mnpql', 'this is no code: there is no "l" in a code'],
    ['abcde-fghjk-mnp0r', 'this is no code: there is no "0" in a code'],
    ['../data', 'this is no code: there is no "." in a code']
  ])('%j is none', (text, message) => {
    expect(refusal(text)).toBe(message)
  })
})

describe('what is derived from a code', () => {
  it('is the same on both computers, and different for each purpose, role, handshake and code', async () => {
    const [one, same, other] = await Promise.all([Secrets.of(CODE), Secrets.of(CODE), Secrets.of(newCode())])
    const hash = Buffer.alloc(64, 1)
    expect(one.topic('meet')).toEqual(same.topic('meet'))
    expect(one.proof('meet', 'initiator', hash)).toEqual(same.proof('meet', 'initiator', hash))
    const all = [
      one.topic('meet'),
      one.topic('route/lan'),
      other.topic('meet'),
      one.proof('meet', 'initiator', hash),
      one.proof('meet', 'responder', hash),
      one.proof('route/lan', 'initiator', hash),
      one.proof('meet', 'initiator', Buffer.alloc(64, 2)),
      other.proof('meet', 'initiator', hash)
    ].map((value) => value.toString('hex'))
    expect(new Set(all).size).toBe(all.length)
    for (const value of all) expect(value).toHaveLength(64)
  })
})
