import { expect, test } from 'vitest'
import { Login } from '../../../src/gateway/login.js'

const login = () => new Login(Buffer.alloc(32, 1), Buffer.alloc(32, 2))

test('the guesses of a network of IPv6 count together: one computer has all of its addresses', async () => {
  const door = login()
  const answers: string[] = []
  for (let i = 1; i <= 11; i++) answers.push(await door.check(`guess ${i}`, `2001:db8:0:1::${i}`, 0))
  expect(answers).toEqual([...Array(10).fill('wrong'), 'later'])
  expect(await door.check('guess', '2001:db8:0:2::1', 0)).toBe('wrong')
})
