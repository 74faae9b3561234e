import type { NetworkOptions } from '../transport/transport.js'
import { examine } from './run.js'
import { judge, type Verdict } from './verdicts.js'

/**
 * What this network allows, without a word to anybody: for commands that wait for a peer and want to say why none
 * comes. Takes up to 13 s where things are blocked, 3 s where they are not. Never throws.
 */
export async function quickCheck(network: NetworkOptions, signal: AbortSignal): Promise<Verdict> {
  const options = { network, version: '', dir: '.', web: [], proxyVariables: {} }
  return judge(await examine(options, { quick: true, report: () => {}, signal }))
}
