import { parseDuration } from '../../base/duration.js'
import { DatError } from '../../base/errors.js'
import { printable } from '../../base/terminal-text.js'
import type { InviteReport, Terms } from '../../core/invites.js'
import type { Context } from '../context.js'
import { formatDate } from '../ui/format.js'
import { absolute } from './arguments.js'

export interface InviteArguments {
  dir: string
  expires?: string
  uses?: string
  note?: string
  qr?: boolean
  list?: boolean
  revoke?: string
  renew?: string
}

/** An invite that somebody finds in an old mail should not be good any more. */
const DEFAULT_EXPIRES = '7d'
const MAX_USES = 10_000

/** `dat invite [dir]`, and with `--list`, `--revoke ID` and `--renew ID`. */
export async function invite(context: Context, args: InviteArguments): Promise<void> {
  refuseStray(args)
  const { cwd, ui, common } = context
  const options = { dir: absolute(cwd, args.dir), store: common.store, home: common.home ?? null }
  const core = await import('../../core/invites.js')
  if (args.list) {
    for (const one of await core.listInvites(options)) await ui.row({ type: 'invite', ...one }, listed(one))
    return
  }
  if (args.revoke !== undefined) {
    const one = await core.revokeInvite(options, args.revoke)
    const served = one.gate === 'strict' ? 'is not served any more' : 'is served as before'
    const { length } = one.used
    const came = length === 0 ? 'nobody has used it' : `who came by it keeps what is there, and ${served}: ${length}`
    await ui.row({ type: 'invite', ...one }, `${one.id} is revoked; ${came}`)
    return
  }
  if (args.renew !== undefined) {
    const one = await core.renewInvite(options, args.renew, readTerms(args))
    await ui.row({ type: 'invite', ...one }, `${one.id}: ${termsText(one)}`)
    return
  }
  const { expires = expiryOf(DEFAULT_EXPIRES), uses = null } = readTerms(args)
  const { peers, relays, listen } = common.network
  if (listen) throw new DatError('USAGE', '--listen is for `dat share`; to name an address in the link, use --peer')
  const at = { addresses: peers, relays: relays ?? [] }
  const { link, ...made } = await core.makeInvite(options, { expires, uses, note: args.note ?? '' }, at)
  await ui.row({ type: 'invite', link, ...made }, link)
  if (args.qr) ui.qr(link)
  ui.info(`${termsText(made)}; to take it back: dat invite --revoke ${made.id}`)
  ui.info('it is taken by `dat share` on this computer, while that runs')
}

/** Options that belong to something else are no wish that could be met. @throws DatError USAGE */
function refuseStray({ list, revoke, renew, note, qr, expires, uses }: InviteArguments): void {
  const actions = [list && '--list', revoke !== undefined && '--revoke', renew !== undefined && '--renew'].filter(
    Boolean
  )
  const hint = 'run `dat invite --help`'
  if (actions.length > 1) throw new DatError('USAGE', `${actions.join(' and ')} do not go together`, { hint })
  const terms = (expires !== undefined && '--expires') || (uses !== undefined && '--uses')
  const ofNew = (note !== undefined && '--note') || (qr && '--qr')
  const stray = (actions.length > 0 && ofNew) || ((list || revoke !== undefined) && terms)
  if (stray) throw new DatError('USAGE', `${stray} has no meaning here`, { hint })
  if (renew !== undefined && !terms) {
    throw new DatError('USAGE', 'what to renew was not said', {
      hint: `for example: dat invite --renew ${renew} --expires 7d`
    })
  }
}

/** @throws DatError USAGE */
function readTerms({ expires, uses }: InviteArguments): Partial<Terms> {
  return {
    ...(expires !== undefined && { expires: expiryOf(expires) }),
    ...(uses !== undefined && { uses: readUses(uses) })
  }
}

function expiryOf(text: string): number | null {
  return text === 'never' ? null : Date.now() + parseDuration(text, '--expires')
}

function readUses(text: string): number | null {
  if (text === 'any') return null
  const uses = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (uses >= 1 && uses <= MAX_USES) return uses
  throw new DatError('USAGE', `--uses: "${text}" is not a number from 1 to ${MAX_USES}`, {
    hint: 'for example --uses 1; or --uses any'
  })
}

const STATUS = { open: 'open', revoked: 'revoked', expired: 'expired', used: 'used up' }

function termsText({ expires, uses, used }: Pick<InviteReport, 'expires' | 'uses' | 'used'>): string {
  const until = expires === null ? 'does not expire' : `expires ${dateText(expires)}`
  const many = uses === null ? 'for everybody who has it' : `for ${uses}`
  return `${until}, ${many}${used.length > 0 ? `, used ${used.length} times`.replace('1 times', 'once') : ''}`
}

/** An invite, and below it who came by it. */
function listed(one: InviteReport): string {
  const note = one.note === '' ? '' : `  ${printable(one.note)}`
  const lines = [`${one.id}  ${STATUS[one.status].padEnd(7)}  ${termsText(one)}${note}`]
  for (const { by, time, from } of one.used) lines.push(`  ${dateText(time)}  ${by}  from ${printable(from)}`)
  return lines.join('\n')
}

function dateText(iso: string): string {
  return formatDate(Date.parse(iso))
}
