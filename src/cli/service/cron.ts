import { DatError } from '../../base/errors.js'
import { shellWord } from '../background/shell-word.js'
import type { ServiceSpec } from './spec.js'

/** A line for crontab(5), in which a percent sign has a meaning of its own. @throws DatError USAGE */
export function cronLine({ command, environment }: Pick<ServiceSpec, 'command' | 'environment'>): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${shellWord(value)}`)
  // Cron mails what is printed: errors are welcome, the link is not.
  const line = `@reboot ${[...variables, ...command.map(shellWord)].join(' ')} >/dev/null`
  if (/[\n\r\0]/.test(line)) {
    throw new DatError('USAGE', 'a crontab has no way to write a name with a line break', { hint: 'rename the folder' })
  }
  // A backslash before a percent sign is cron's own; one that the shell has to see must not stand there. It is between
  // quotes, which end and begin again in between.
  return line.replaceAll('\\%', "\\''%").replaceAll('%', '\\%')
}
