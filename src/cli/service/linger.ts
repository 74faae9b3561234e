import fs from 'node:fs'
import { userInfo } from 'node:os'
import { shellWord } from '../background/shell-word.js'
import { ask } from './ask.js'

/** Whether systemd runs the services of this user while the user is not logged in; null where it does not say. */
export async function lingers(): Promise<boolean | null> {
  const { username } = userInfo()
  const { stdout } = await ask('loginctl', ['show-user', username, '--property=Linger'])
  const answer = /^Linger=(yes|no)$/m.exec(stdout)?.[1]
  if (answer) return answer === 'yes'
  // Who is not logged in is not asked for.
  return fs.existsSync(`/var/lib/systemd/linger/${username}`) ? true : null
}

/** What lingering means for a service, for the person who installs it. */
export function lingerText(linger: boolean | null, dir: string): string[] {
  if (linger === true) return ['It starts with this computer, and goes on after logout: linger is on for you.']
  const begins = linger === false ? 'Linger is off for you' : 'If linger is off for you'
  return [
    `${begins}: systemd ends it when you log out, and starts it when you log in. To have it run always:`,
    '    loginctl enable-linger',
    `Where that is not allowed, ask the administrator for \`loginctl enable-linger ${userInfo().username}\`, or use cron:`,
    `    dat service install ${shellWord(dir)} --cron`
  ]
}
