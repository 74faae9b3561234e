import { kill } from './scenarios/kill.js'

/** Everything that can be run, in this order. Each gets the session, plays rounds, and judges by its tally. */
export const SCENARIOS = {
  kill: { title: 'kill -9 of either side at random moments', run: kill }
}
