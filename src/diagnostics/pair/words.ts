import type { Route } from '../../base/events.js'
import type { VerdictCode } from '../advice.js'
import { type Evidence, relayWorks } from '../evidence.js'
import type { Conclusion } from './conclusion.js'
import type { Place, Why } from './result.js'
import type { Side } from './side.js'

/** What the test of two computers says, in words for somebody who has data to send and no interest in networks. */

const OF: Record<Exclude<Place, 'nowhere'>, string> = {
  here: 'this computer',
  there: 'the other computer',
  both: 'both computers'
}

const NETWORK: Record<Exclude<Place, 'nowhere'>, string> = {
  here: 'the network here lets',
  there: 'the network there lets',
  both: 'both networks let'
}

/** Why a route does not work, as the end of a sentence. */
export function reasonText({ code, place }: Why): string {
  const where = place === 'nowhere' ? 'both' : place
  switch (code) {
    case 'no-udp':
      return `${NETWORK[where]} no UDP out`
    case 'symmetric':
      return 'both networks take a new port for each destination'
    case 'off':
      return `switched off on ${OF[where]}`
    case 'elsewhere':
      return 'not in the same local network'
    case 'multicast':
      return `a firewall blocks multicast on ${OF[where]}`
    case 'no-relay':
      return 'no relay is named (--relay)'
    case 'relay-unreachable':
      return `${OF[where]} cannot reach the relay`
    case 'closed':
      return 'neither firewall lets connections in'
    case 'no-answer':
      return 'tried, but nothing came through'
  }
}

const TITLES: Record<Route, string> = {
  lan: 'All is well: the two computers reach each other in the local network.',
  tcp: 'All is well: the two computers reach each other by the address that accepts connections.',
  direct: 'All is well: the two computers reach each other directly.',
  relay: 'dat works between the two computers, through the relay.'
}

/** What is the case, and what to do, the most effective first. */
export function describePair(conclusion: Conclusion, here: Side, there: Side): { title: string; advice: string[] } {
  const { route, obstacle, listenAt } = conclusion
  if (route !== 'none' && route !== 'relay') {
    const begins = 'Nothing has to be done. dat begins through the relay, and goes on directly as soon as it can.'
    return { title: TITLES[route], advice: [conclusion.begins ? begins : 'Nothing has to be done.'] }
  }
  const named = here.relays.length + there.relays.length > 0
  const listen = listenAt === null ? [] : [listenAdvice(listenAt)]
  const mail = obstacle === 'nowhere' ? [] : [mailAdvice(obstacle)]
  if (route === 'relay') {
    const nothing = 'Nothing has to be done, if both computers know the relay or it is named where you share: --relay'
    return { title: TITLES.relay, advice: [nothing, ...faster(listen), ...faster(mail)] }
  }
  return {
    title: 'dat cannot connect these two computers.',
    advice: [...(named ? [] : [RELAY]), ...listen, ...mail, otherNetwork(obstacle)]
  }
}

const RELAY =
  'Use a relay: `--relay wss://HOST` where you share; the link carries it on. If you know none, somebody with a ' +
  'server can run `dat relay`.'

function listenAdvice(place: 'here' | 'there'): string {
  const who = place === 'here' ? 'this computer' : 'the other computer'
  return `Share from ${who}, with \`dat share --listen 4977\`: it can be reached from outside.`
}

function mailAdvice(place: Exclude<Place, 'nowhere'>): string {
  const whose = place === 'both' ? 'of one of the two' : place === 'here' ? 'here' : 'there'
  const on = place === 'here' ? 'here' : place === 'there' ? 'there' : 'on that computer'
  return `Ask the IT department ${whose} to let UDP out: \`dat doctor --it\` ${on} prints the mail.`
}

function faster(advice: readonly string[]): string[] {
  return advice.map((text) => `To make it faster: ${text.charAt(0).toLowerCase()}${text.slice(1)}`)
}

function otherNetwork(place: Place): string {
  const on = place === 'here' ? 'here' : place === 'there' ? 'there' : 'on one side'
  return `Try another network ${on}: a phone as hotspot, or the guest Wi-Fi, is often enough.`
}

/** One's own verdict in one line, short enough to be read on the phone. */
export function spokenLine(code: VerdictCode, evidence: Evidence): string {
  const { relays } = evidence
  const relay = relays.length === 0 ? 'no relay' : relays.some(relayWorks) ? 'relay works' : 'relay not reached'
  return `${code}, ${relay}`
}
