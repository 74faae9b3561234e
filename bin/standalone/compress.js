import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { zipOf } from './zip.js'

// compress.js gzip FILE OUT, or compress.js zip FOLDER NAME OUT. Run with the pinned node, whose zlib then decides about
// the bytes, whatever node the build runs with.
const [, , kind, from, ...rest] = process.argv
if (kind === 'gzip') writeFileSync(rest[0], gzipSync(readFileSync(from), { level: 9, memLevel: 9 }))
else writeFileSync(rest[1], zipOf(from, rest[0]))
