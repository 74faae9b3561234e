/** How the bytes of a file are shown: nothing in a share is ever sent as something that a browser would run. */
export type Look = 'text' | 'table' | 'image' | 'none'

const IMAGES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  bmp: 'image/bmp',
  ico: 'image/x-icon'
}

const TABLES: Record<string, string> = { csv: ',', tsv: '\t', tab: '\t' }

/** Names of text files, among them formats of the life sciences; what else looks like text is found by its bytes. */
const TEXTS = new Set(
  (
    'txt text md markdown rst log json jsonl geojson yaml yml toml ini cfg conf xml html htm xhtml svg css js mjs cjs ts ' +
    'py r rmd jl m pl sh bash zsh fish bat ps1 c h cc cpp hpp java kt go rs rb php sql tex bib ' +
    'fa fasta fna faa ffn fai fq fastq gff gff3 gtf bed bedgraph wig vcf sam pdb cif nwk newick nex nexus phy aln ' +
    'sdf mol mol2 xyz mzml mgf obo ttl n3 nt rdf asc dat csvy diff patch srt vtt'
  ).split(' ')
)

/** Compressed or binary for certain: not worth a look. */
const BINARIES = new Set(
  (
    'gz bgz bz2 xz zst lz4 zip tar tgz 7z rar bam cram bai bcf h5 hdf5 nc zarr npy npz parquet feather rds rdata ' +
    'tif tiff nd2 czi lif dcm nii mp4 mov avi mkv mp3 wav flac pdf doc docx xls xlsx ppt pptx odt ods exe dll so bin iso img'
  ).split(' ')
)

export function lookOf(name: string): Look | 'unknown' {
  const extension = extensionOf(name)
  if (extension in IMAGES) return 'image'
  if (extension in TABLES) return 'table'
  if (TEXTS.has(extension)) return 'text'
  return BINARIES.has(extension) ? 'none' : 'unknown'
}

export function separatorOf(name: string): string {
  return TABLES[extensionOf(name)] ?? ','
}

/** With which type a file is sent: images as such, text as plain text whatever it is, and all else as bytes. */
export function mediaType(name: string): string {
  const image = IMAGES[extensionOf(name)]
  if (image) return image
  const look = lookOf(name)
  return look === 'text' || look === 'table' ? 'text/plain; charset=utf-8' : 'application/octet-stream'
}

/** Whether these bytes, the first ones of a file, look like text. */
export function isText(bytes: Buffer): boolean {
  if (bytes.includes(0)) return false
  let odd = 0
  for (const byte of bytes) if (byte < 9 || (byte > 13 && byte < 32 && byte !== 27)) odd++
  return odd <= bytes.length / 100
}

function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.')
  const extension = dot > 0 ? name.slice(dot + 1).toLowerCase() : ''
  return /^[a-z0-9]{1,10}$/.test(extension) ? extension : ''
}
