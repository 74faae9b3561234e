/** What a system error says of the way to a host; null when it is about something else. */
export function obstacleOf(code: string): 'refused' | 'no-route' | 'prohibited' | null {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused'
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return 'no-route'
    case 'EHOSTUNREACH':
    case 'EACCES':
    case 'EPERM':
    case 'ENETDOWN':
    case 'EHOSTDOWN':
      return 'prohibited'
    default:
      return null
  }
}
