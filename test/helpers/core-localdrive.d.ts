declare module 'localdrive' {
  /** A folder as a drive; only what tests use. */
  class Localdrive {
    constructor(root: string, options?: object)
  }
  export default Localdrive
}
