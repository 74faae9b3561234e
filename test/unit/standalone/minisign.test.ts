import { expect, it } from 'vitest'
import { checkSignature, readPublicKey } from '../../../bin/standalone/minisign.js'

// Made by minisign 0.11 with a key that was thrown away.
const KEY = [
  'untrusted comment: minisign public key A09D73E990323EC7',
  'RWTHPjKQ6XOdoIngKGWuAuZ3V3CJvvPtqyoK4zQAWmhCBYzWo2qhQuDb'
].join('\n')
const CONTENT = Buffer.from('abc  dat-0.1.0-linux-x64\n')
const SIGNATURE = [
  'untrusted comment: signature from minisign secret key',
  'RUTHPjKQ6XOdoDGb74xFlj6VSSj6gF9fRETRLextjBZO5dtENHwHXJbM6MfOQTnYSMJz9I7pvdqHuT4CzuNIP94ClOrZTr4IFwA=',
  'trusted comment: dat 0.1.0',
  'bKe9HYbEPveZwtVNXTnhKC4Gv/VVXmdypBKwxG0L5dtrV4DCJLrDkQjAPj0I8xeFMeX6yXaVAPkLWoKdy2aSCw=='
].join('\n')
/** With `minisign -l`: of the content itself in place of its hash. */
const LEGACY = [
  'untrusted comment: signature from minisign secret key',
  'RWTHPjKQ6XOdoAFh7hZlzjW1LpqstEmgWxx/bVKuwrv418lVtz5JezayYPKy/ZWFWonZDFW6LByJ3qCTRb+ayMpgMfPVgWE+jgk=',
  'trusted comment: dat 0.1.0',
  'QRKr1/VpVB/6ISK57C2dN9LYsPpp6MSKIws51ISZy9f71+vj2J/6qWvVsI2dVSMVva8nafxrq7R2/fIHztJBCQ=='
].join('\n')

it('accepts what minisign signed, of both kinds', () => {
  checkSignature(CONTENT, SIGNATURE, KEY)
  checkSignature(CONTENT, LEGACY, KEY)
  checkSignature(CONTENT, SIGNATURE.replaceAll('\n', '\r\n'), KEY.split('\n')[1] as string)
})

it('refuses another content, another comment and half a signature', () => {
  expect(() => checkSignature(Buffer.from('abd'), SIGNATURE, KEY)).toThrow('the signature is wrong')
  expect(() => checkSignature(CONTENT, SIGNATURE.replace('dat 0.1.0', 'dat 9.9.9'), KEY)).toThrow(
    'the signature is wrong'
  )
  for (const text of ['', SIGNATURE.slice(0, 60), SIGNATURE.slice(0, 150), 'a\nb\nc\nd']) {
    expect(() => checkSignature(CONTENT, text, KEY)).toThrow()
  }
})

it('refuses another key', () => {
  const data = Buffer.from(KEY.split('\n')[1] as string, 'base64')
  data[2] = (data[2] as number) ^ 1
  expect(() => checkSignature(CONTENT, SIGNATURE, data.toString('base64'))).toThrow('another key')
  expect(() => readPublicKey('untrusted comment: nothing\nAAAA')).toThrow('not a public key')
})
