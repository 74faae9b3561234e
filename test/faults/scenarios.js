import { changes } from './scenarios/changes.js'
import { disk } from './scenarios/disk.js'
import { keys } from './scenarios/keys.js'
import { kill } from './scenarios/kill.js'
import { power } from './scenarios/power.js'

/** Everything that can be run, in this order. Each gets the session, plays rounds, and judges by its tally. */
export const SCENARIOS = {
  kill: { title: 'kill -9 of either side at random moments', run: kill },
  keys: { title: 'kill -9 while the ownership of a share moves, or comes back', run: keys },
  power: { title: 'the computer went down: index and files from different moments, or no index', run: power },
  changes: { title: 'the source changes all the time, in every way, while it is indexed and cloned', run: changes },
  disk: {
    title: 'disks that are full, slow, bad or without locks; few open files; a clock that is set back',
    run: disk
  }
}
