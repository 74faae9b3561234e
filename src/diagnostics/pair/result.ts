import type { Route } from '../../base/events.js'
import type { Figures, Place } from '../../base/pair-events.js'

export type { Figures, Place, RouteResult, Why } from '../../base/pair-events.js'

/** The routes in the order in which dat prefers them. */
export const ROUTES: readonly Route[] = ['lan', 'tcp', 'direct', 'relay']

export const NO_FIGURES: Figures = { roundTrip: null, up: null, down: null, lossUp: null, lossDown: null }

/** The same figures as the other computer sees them. */
export function seenBackwards({ roundTrip, up, down, lossUp, lossDown }: Figures): Figures {
  return { roundTrip, up: down, down: up, lossUp: lossDown, lossDown: lossUp }
}

/** The same place as the other computer sees it. */
export function seenFromThere(place: Place): Place {
  return place === 'here' ? 'there' : place === 'there' ? 'here' : place
}
