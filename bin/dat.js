#!/usr/bin/env node
// CommonJS, by the package.json beside it: Node reads ES modules through its thread pool, and the size of the pool is
// fixed the first time that it is used. Set in an ES module, UV_THREADPOOL_SIZE comes too late.
process.env.UV_THREADPOOL_SIZE = process.env.UV_THREADPOOL_SIZE || '16'
// The heap is small and what passes through it are blocks of a megabyte outside of it, so that marking is short but
// comes often: done beside the program, or in many small steps, it takes a core from the cipher
// (docs/adr/0004-workers-and-memory.md).
require('node:v8').setFlagsFromString('--no-incremental-marking')
require('node:v8').setFlagsFromString('--no-concurrent-marking')

// Plain old syntax up to here and below: an old Node must be able to read the line that says it is too old.
var node = process.versions.node.split('.').map(Number)
var argument = process.argv.length === 3 ? process.argv[2] : ''

// Everybody on this computer may read a process's arguments, and a link in them is the permission to read the share: it
// is not to be seen there longer than it takes to start. What is left says which command runs, and where.
process.title = ['dat']
  .concat(process.argv.slice(2))
  .map((word) => (/[a-z0-9]{40}|:\/\//i.test(word) ? '(hidden)' : word))
  .join(' ')

if (node[0] < 20 || (node[0] === 20 && node[1] < 19)) {
  console.error('error: dat needs Node.js 20.19 or newer, and this is %s', process.versions.node)
  console.error('  install a newer one from https://nodejs.org, then run the same command again')
  process.exit(2)
} else if (argument === '--version' || argument === '-V') {
  console.log(require('../package.json').version)
} else if (!require('node:fs').existsSync(require('node:path').join(__dirname, '../dist/cli/main.js'))) {
  console.error('error: dat is not built yet')
  console.error('  run `npm install && npm run build` in %s', require('node:path').dirname(__dirname))
  process.exit(2)
} else {
  import('../dist/cli/main.js')
    .then((main) => main.run(process.argv.slice(2), process.env, process))
    .then((code) => process.exit(code))
}
