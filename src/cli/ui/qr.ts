import { renderUnicodeCompact } from 'uqr'

/**
 * A QR code in half blocks, of which the light ones are drawn: right on a dark terminal, inverted on a light one.
 * @returns null if it is wider than so many columns
 */
export function qrCode(text: string, columns: number): string | null {
  const code = renderUnicodeCompact(text, { ecc: 'L', border: 2 })
  return code.indexOf('\n') > columns ? null : code
}
