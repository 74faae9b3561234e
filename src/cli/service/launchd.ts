import { DatError } from '../../base/errors.js'
import { formatNote, type ServiceSpec } from './spec.js'

const RESTART_SECONDS = 30

/** A property list of launchd's user agents; see launchd.plist(5). @throws DatError USAGE */
export function launchdPlist(spec: ServiceSpec): string {
  const environment = Object.entries(spec.environment)
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<!-- ${formatNote(spec)} -->`,
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    `  <key>Label</key>${string(spec.name)}`,
    '  <key>ProgramArguments</key>',
    '  <array>',
    ...spec.command.map((word) => `    ${string(word)}`),
    '  </array>',
    ...(environment.length === 0 ? [] : ['  <key>EnvironmentVariables</key>', '  <dict>']),
    ...environment.map(([name, value]) => `    <key>${name}</key>${string(value)}`),
    ...(environment.length === 0 ? [] : ['  </dict>']),
    '  <key>WorkingDirectory</key><string>/</string>',
    '  <key>RunAtLoad</key><true/>',
    '  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>',
    `  <key>ThrottleInterval</key><integer>${RESTART_SECONDS}</integer>`,
    '</dict>',
    '</plist>'
  ]
  return `${lines.join('\n')}\n`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function string(text: string): string {
  // XML 1.0 has no way to write these.
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/u.test(text)) {
    throw new DatError('USAGE', 'a name with control characters cannot be made a service', {
      hint: 'rename the folder'
    })
  }
  const escaped = text
    .replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char)
    .replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`)
  return `<string>${escaped}</string>`
}
