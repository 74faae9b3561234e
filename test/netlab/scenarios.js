import { blind } from './scenarios/blind.js'
import { blocked } from './scenarios/blocked.js'
import { doctor } from './scenarios/doctor.js'
import { doctorPair } from './scenarios/doctor-pair.js'
import { doctorWarnings } from './scenarios/doctor-warnings.js'
import { fleet } from './scenarios/fleet.js'
import { lan } from './scenarios/lan.js'
import { matrix, punch } from './scenarios/matrix.js'
import { path } from './scenarios/path.js'
import { policies } from './scenarios/policies.js'
import { relayLoad } from './scenarios/relay-load.js'
import { throughput } from './scenarios/throughput.js'

/** Everything that can be run, in this order. Each gets the session and judges by its tally. */
export const SCENARIOS = {
  policies: { title: 'the lab itself: what plain sockets can do behind each policy', run: policies },
  punch: { title: 'sharer and cloner behind NATs and firewalls, without a relay', run: punch },
  matrix: { title: 'every pair of networks, with a relay that one side knows', run: matrix },
  blind: { title: 'two symmetric NATs and a relay that relays UDP', run: blind },
  blocked: { title: 'a network that lets nothing out: said soon, and what to do', run: blocked },
  doctor: { title: 'what `dat doctor` says behind each policy', run: doctor },
  'doctor-warnings': { title: 'what `dat doctor` says of networks with a special fault', run: doctorWarnings },
  'doctor-pair': { title: 'what `dat doctor` says of two computers, and what `dat clone` then does', run: doctorPair },
  lan: { title: 'two computers in one network that has no way out', run: lan },
  fleet: { title: 'several clones at once of a sharer behind a symmetric NAT', run: fleet },
  path: { title: 'what happens to a path in the middle of a transfer', run: path },
  throughput: { title: 'a long path: 200 Mbit/s, 50 ms, some loss', run: throughput },
  'relay-load': { title: 'many clients of one relay', run: relayLoad }
}
