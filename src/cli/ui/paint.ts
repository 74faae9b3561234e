/** The few styles that dat uses. Without colours each is the text itself. */
export interface Paint {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  cyan(text: string): string
}

const same = (text: string) => text

export const PLAIN_PAINT: Paint = { bold: same, dim: same, red: same, green: same, cyan: same }

/** Chalk's styles, loaded only when colours are wanted. */
export async function createPaint(colors: boolean): Promise<Paint> {
  if (!colors) return PLAIN_PAINT
  const { Chalk } = await import('chalk')
  return new Chalk({ level: 1 })
}
