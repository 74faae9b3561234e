import type { VerdictCode } from '../advice.js'

/** What one computer's network is like, in a few words. */
export const VERDICT_WORDS: Record<VerdictCode, string> = {
  open: 'other computers can connect to it',
  direct: 'direct connections work',
  'symmetric-nat': 'direct connections work with most, not with its like',
  'udp-blocked': 'its network lets no UDP out',
  'web-only': 'its network lets only web traffic out',
  'proxy-only': 'only a web proxy leads out of its network',
  'lan-only': 'only the local network can be used',
  offline: 'not connected to any network',
  blocked: 'nothing gets out of its network'
}
