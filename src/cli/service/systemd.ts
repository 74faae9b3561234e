import { formatNote, type ServiceSpec } from './spec.js'

/** Between an end that was not asked for and the next start, in seconds; for as long as it takes. */
const RESTART_SECONDS = 30

/** A unit of systemd's user manager; see systemd.service(5), systemd.syntax(7). */
export function systemdUnit(spec: ServiceSpec): string {
  const [program = '', ...args] = spec.command
  const environment = Object.entries(spec.environment).map(
    ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`
  )
  const lines = [
    `# ${formatNote(spec)}`,
    '[Unit]',
    `Description=dat ${spec.work} ${spec.dir.replaceAll('%', '%%').replace(/[\p{C}\\]/gu, '?')}`,
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    // No variable is put into the name of the program itself.
    `ExecStart=${[quoted(program), ...args.map((arg) => quoted(arg.replaceAll('$', '$$$$')))].join(' ')}`,
    ...environment,
    'WorkingDirectory=/',
    'Restart=on-failure',
    `RestartSec=${RESTART_SECONDS}`,
    '',
    '[Install]',
    'WantedBy=default.target'
  ]
  return `${lines.join('\n')}\n`
}

/** One word between quotes, in which a backslash and a percent sign have a meaning too. */
function quoted(word: string): string {
  const escaped = word
    .replaceAll('%', '%%')
    .replace(/["\\]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replace(/[\u0000-\u001f\u007f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return `"${escaped}"`
}
