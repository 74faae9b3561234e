import { renderUnicodeCompact } from 'uqr'

/** A QR code in half blocks, of which the light ones are drawn: right on a dark terminal, inverted on a light one. */
export function qrCode(text: string): string {
  return renderUnicodeCompact(text, { ecc: 'L', border: 2 })
}
