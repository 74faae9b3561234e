declare module 'rache' {
  /** A cache that several Hyperbees can share; what goes when it is full is chosen at random. */
  export default class Rache {
    constructor(options?: { maxSize?: number })
  }
}
