import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { command } from './command.js'
import { debianPackage } from './debian-package.js'
import { cacheFolder } from './pins.js'
import { ROOT } from './root.js'
import { TOOLCHAIN } from './targets.js'

const LIBRARIES = ['mingw32', 'gcc', 'gcc_eh', 'moldname', 'mingwex', 'msvcrt', 'kernel32']

/**
 * Compiles dat.exe. The compiler comes from Debian and is not installed; assembler and linker are started here, because
 * gcc would take those of the machine where there are any.
 */
export function compileLauncher(file) {
  const tools = mkdtempSync(join(cacheFolder('toolchain'), 'new-'))
  try {
    for (const name of TOOLCHAIN) {
      cpSync(debianPackage(name, 'amd64'), tools, { recursive: true, verbatimSymlinks: true })
    }
    const bin = join(tools, 'usr/bin/x86_64-w64-mingw32-')
    const lib = join(tools, 'usr/x86_64-w64-mingw32/lib')
    const gcc = join(tools, 'usr/lib/gcc/x86_64-w64-mingw32/12-win32')
    const [assembly, object] = [join(tools, 'dat.s'), join(tools, 'dat.o')]
    const source = join(ROOT, 'bin/standalone/launcher.c')
    command(`${bin}gcc-win32`, ['-S', '-Os', '-Wall', '-Werror', '-municode', '-o', assembly, source])
    command(`${bin}as`, ['-o', object, assembly])
    command(`${bin}ld`, [
      ...['-m', 'i386pep', '-Bstatic', '-s', '--no-insert-timestamp', '--subsystem', 'console', '-L', lib, '-L', gcc],
      ...['-o', file, join(lib, 'crt2u.o'), join(gcc, 'crtbegin.o'), object],
      ...['--start-group', ...LIBRARIES.map((name) => `-l${name}`), '--end-group', join(gcc, 'crtend.o')]
    ])
  } finally {
    rmSync(tools, { recursive: true, force: true })
  }
}
