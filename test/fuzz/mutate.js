/** Random inputs that can be made again: the same seed, the same inputs. */

/** A small generator of random numbers (xorshift32): whole numbers from 0 below `n`. */
export function randomFrom(seed) {
  let state = seed >>> 0 || 1
  return (n) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % n
  }
}

/** What tends to be forgotten. */
const NUMBERS = [0, -1, 1, 0.5, 255, 256, 65535, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, 8.64e15 + 1]
const TEXTS = [
  '',
  '\0',
  '..',
  '/',
  '\\',
  '__proto__',
  'constructor',
  '\ud800',
  '\u202e',
  '\x1b[2J',
  'é',
  'a'.repeat(300)
]
const VALUES = [null, true, false, [], {}, ...NUMBERS, ...TEXTS]
const BYTES = [0, 1, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff, 0x22, 0x2e, 0x2f, 0x5b, 0x7b]
/** Inputs stay below this many bytes, but for some that are made of one that is repeated. */
const MAX_BYTES = 2048

/** An input near to a sample, of the same kind: bytes, text or a value of JSON. */
export function mutate(samples, random) {
  const sample = samples[random(samples.length)]
  if (Buffer.isBuffer(sample)) return random(8) === 0 ? noise(random) : mutateBytes(sample, samples, random)
  if (typeof sample === 'string') return mutateText(sample, samples, random)
  return mutateValue(structuredClone(sample), random)
}

function noise(random) {
  const bytes = Buffer.alloc(random(random(4) === 0 ? 1024 : 48))
  for (let i = 0; i < bytes.length; i++) bytes[i] = random(256)
  return bytes
}

function mutateBytes(sample, samples, random) {
  let bytes = Buffer.from(sample)
  for (let turns = 1 + random(4); turns > 0; turns--) {
    const at = random(bytes.length + 1)
    const other = samples[random(samples.length)]
    switch (random(7)) {
      case 0:
        if (bytes.length > 0) bytes[at % bytes.length] ^= 1 << random(8)
        break
      case 1:
        if (bytes.length > 0) bytes[at % bytes.length] = BYTES[random(BYTES.length)]
        break
      case 2:
        bytes = bytes.subarray(0, at)
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), noise(random), bytes.subarray(at)])
        break
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(8))])
        break
      case 5:
        if (Buffer.isBuffer(other))
          bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length + 1))])
        break
      default:
        if (bytes.length < MAX_BYTES) bytes = Buffer.concat([bytes, bytes])
    }
  }
  return bytes
}

function mutateText(sample, samples, random) {
  if (random(16) === 0) return noise(random).toString(random(2) === 0 ? 'latin1' : 'utf8')
  // One character many times over: what a pattern that looks back would choke on.
  if (random(64) === 0) return (sample[random(sample.length || 1)] ?? 'a').repeat(random(20_000))
  let text = sample
  for (let turns = 1 + random(4); turns > 0; turns--) {
    const at = random(text.length + 1)
    const other = String(samples[random(samples.length)])
    switch (random(6)) {
      case 0:
        text = text.slice(0, at) + TEXTS[random(TEXTS.length)] + text.slice(at)
        break
      case 1:
        text = text.slice(0, at) + String.fromCharCode(random(random(2) === 0 ? 128 : 65_536)) + text.slice(at + 1)
        break
      case 2:
        text = text.slice(0, at)
        break
      case 3:
        text = text.slice(0, at) + text.slice(at + 1 + random(4))
        break
      case 4:
        text = text.slice(0, at) + other.slice(random(other.length + 1))
        break
      default:
        text = text.slice(0, at) + String(NUMBERS[random(NUMBERS.length)]) + text.slice(at)
    }
  }
  return text
}

function mutateValue(value, random) {
  if (random(12) === 0) return VALUES[random(VALUES.length)]
  if (typeof value === 'string') return mutateText(value, [value], random)
  if (typeof value !== 'object' || value === null) return VALUES[random(VALUES.length)]
  const names = Object.keys(value)
  const name = names[random(names.length || 1)] ?? TEXTS[random(TEXTS.length)]
  if (Array.isArray(value)) {
    if (names.length === 0 || random(4) === 0) value.push(VALUES[random(VALUES.length)])
    else value[name] = mutateValue(value[name], random)
    return value
  }
  switch (random(6)) {
    case 0:
      delete value[name]
      break
    case 1:
      // As JSON.parse makes it: a field of its own, whatever its name.
      Object.defineProperty(value, TEXTS[random(TEXTS.length)], {
        value: VALUES[random(VALUES.length)],
        enumerable: true,
        configurable: true,
        writable: true
      })
      break
    default:
      value[name] = mutateValue(value[name], random)
  }
  return value
}
