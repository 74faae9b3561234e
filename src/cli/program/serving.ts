import type { Command } from 'commander'
import type { DoctorArguments } from '../commands/doctor.js'
import type { RelayArguments } from '../commands/relay.js'
import type { ServeArguments } from '../commands/serve.js'
import { action } from './action.js'
import type { Sink } from './invocation.js'
import { collect, common, gateway, network, patience, relayServer, TARGET } from './options.js'

export function addServing(program: Command, sink: Sink): void {
  const serve = program
    .command('serve')
    .description('show a share to people without dat, in their browsers')
    .argument('[target]', TARGET, '.')
  action<ServeArguments>(network(common(patience(gateway(serve))), { listen: false }), sink, async (context, args) =>
    (await import('../commands/serve.js')).serve(context, args)
  )

  const relay = program.command('relay').description('run a relay for networks that let out only the web')
  action<RelayArguments>(relayServer(common(relay)), sink, async (context, args) =>
    (await import('../commands/relay.js')).relay(context, args)
  )
}

export function addDoctor(program: Command, sink: Sink, version: string): void {
  const doctor = program
    .command('doctor')
    .description('find out what this network allows, and what to do')
    .argument('[code]', 'what `dat doctor` printed on the other computer, or a link')
    .option('--it', 'print a text for the IT department')
    .option('--wait', 'wait for the other computer even without a terminal')
    .option('--report <file>', 'write everything that was found to a file, without links and passwords')
    .option('--web <host:port,…>', 'servers to try TCP with, beside the relays (can be repeated)', collect)
  action<DoctorArguments>(network(common(doctor)), sink, async (context, args) =>
    (await import('../commands/doctor.js')).doctor(context, args, version)
  )
}

export function addUninstall(program: Command, sink: Sink): void {
  const command = program.command('uninstall').description('remove this program; data and keys stay')
  action(common(command), sink, async () => (await import('../commands/uninstall.js')).uninstall(process.platform))
}
