/**
 * The one door between text that came from somebody else (file names, peers, relays, system errors that contain them)
 * and the terminal. A name may carry escape sequences that rewrite the screen, control characters, or bidirectional
 * overrides that make `exe.txt` look like `txt.exe`.
 */

// C0 and C1 controls, DEL; zero-width and bidi controls (UAX #9); line and paragraph separators; interlinear
// annotation; tag characters; a lone surrogate cannot be printed either.
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Cs}/gu

/** Replaces every character that could change what the terminal shows by `?`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '?')
}
