/// <reference lib="dom" />
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Dat, Room } from '../helpers/dat.js'
import { writeTree } from '../helpers/trees.js'

/** Debian's package `chromium`; or another one, by DAT_CHROMIUM. */
const CHROMIUM = process.env.DAT_CHROMIUM ?? '/usr/bin/chromium'
const run = promisify(execFile)
const MANY = 100_000
/** What a page of a folder of that many files may take on a busy machine, in ms. */
const PATIENCE = 60_000
const LARGE = randomBytes(64 * 1024 * 1024)
const HOSTILE = [
  '<img src=x onerror="document.title=1">',
  '"><script>document.title=1</script>'.replace('/', ' '),
  "' onmouseover='document.title=1",
  'javascript:document.title=1',
  '\u202egnp.exe',
  '%2e%2e%2fetc',
  '&lt;script&gt;'
]

// A skipped test says why in its name.
const missing = existsSync(CHROMIUM) ? null : `there is no ${CHROMIUM}`
describe.skipIf(missing !== null)(`the gateway in a browser${missing ? `: ${missing}` : ''}`, () => {
  let room: Room
  let gateway: Dat
  let url: string
  let port: number
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const complaints: string[] = []

  beforeAll(async () => {
    room = await Room.open()
    await writeTree(room.path('source'), {
      'readme.md': '# Frogs\n<script>document.title = 1</script>\n',
      'table.csv': 'species,"length, mm"\nRana temporaria,70\n"<b>Bufo</b> bufo",90\n',
      'figures/plot.png': pixel(),
      'figures/scan.bin': LARGE,
      'figures/deep/frog.txt': 'ribbit\n',
      'page.html': '<script>document.title = 1</script>',
      ...Object.fromEntries(HOSTILE.map((name) => [`hostile/${name}`, 'x']))
    })
    await mkdir(room.path('source', 'many'))
    for (let i = 0; i < MANY; i += 500) {
      const names = Array.from({ length: 500 }, (_, k) => `sample-${String(i + k).padStart(6, '0')}.txt`)
      await Promise.all(names.map((name) => writeFile(room.path('source', 'many', name), name)))
    }
    const { share } = await room.share('source', ['--no-watch'])
    await share.waitFor('import.done', undefined, 0, 120_000)
    await share.stop()
    await start(0)
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  }, 300_000)

  afterAll(async () => {
    await browser?.close()
    await room?.close()
  })

  beforeEach(async () => {
    complaints.length = 0
    context = await browser.newContext({ acceptDownloads: true })
    page = await context.newPage()
    page.on('console', (message) => {
      // A browser asks for an icon by itself: of a file that is opened alone it gets none.
      if (!message.location().url.endsWith('/favicon.ico')) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => {
      if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:')) {
        complaints.push(`asked for ${request.url()}`)
      }
    })
  })

  afterEach(async () => {
    await context.close()
    // No error, nothing that the policy had to stop, and nothing from elsewhere.
    expect(complaints).toEqual([])
  })

  async function start(at: number, more: string[] = []): Promise<void> {
    gateway = room.dat(['serve', 'source', '--listen', `127.0.0.1:${at}`, ...more])
    const event = await gateway.waitFor('gateway')
    url = String(event.url)
    port = Number(event.port)
  }

  it('lists, goes into folders and back, and sorts', async () => {
    await page.goto(url)
    expect(await page.title()).toBe('source/')
    await page.getByRole('link', { name: 'figures/' }).click()
    await page.getByRole('link', { name: 'deep/' }).click()
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('deep/')
    await page.getByRole('navigation', { name: 'Path' }).getByRole('link', { name: 'source' }).click()
    await page.getByRole('columnheader', { name: 'Size' }).getByRole('link').click()
    await expect
      .poll(() => page.getByRole('columnheader', { name: 'Size' }).getAttribute('aria-sort'))
      .toBe('descending')
    const files = await page.locator('td.name a:not(.folder)').allTextContents()
    expect(files).toEqual(['table.csv', 'readme.md', 'page.html'])
  })

  it('searches while one types, and tells a screen reader how much it found', async () => {
    await page.goto(url)
    await page.keyboard.press('/')
    await page.keyboard.type('ribb')
    await page.waitForURL(/q=ribb/)
    await expect.poll(() => page.getByRole('status').textContent()).toBe('Nothing found')
    await page.getByRole('searchbox').fill('FROG')
    await expect.poll(() => page.locator('td.name').allTextContents()).toEqual(['figures/deep/frog.txt'])
    expect(await page.getByRole('status').textContent()).toContain('1 entry')
  })

  it('previews texts, tables and pictures, as text and nothing else', async () => {
    await page.goto(url)
    await page.getByRole('link', { name: 'table.csv', exact: true }).click()
    const table = page.getByRole('region', { name: 'Table' })
    expect(await table.getByRole('columnheader').allTextContents()).toEqual(['species', 'length, mm'])
    expect(await table.getByRole('cell').allTextContents()).toContain('<b>Bufo</b> bufo')
    await page.goBack()
    await page.getByRole('link', { name: 'readme.md', exact: true }).click()
    expect(await page.getByRole('region', { name: 'Content' }).textContent()).toContain('<script>')
    const sum = createHash('sha256')
      .update(await readFile(room.path('source', 'readme.md')))
      .digest('hex')
    expect(await page.locator('dd code').textContent()).toBe(sum)
    await page.goto(`${base()}figures/plot.png?details`)
    const picture = page.getByRole('img', { name: 'plot.png' })
    await expect.poll(() => picture.evaluate((img) => (img as HTMLImageElement).naturalWidth)).toBe(1)
    // A page of the share, opened by itself, is text.
    await page.goto(`${base()}page.html`)
    expect(await page.title()).not.toBe('1')
    expect(await page.locator('body').textContent()).toContain('<script>')
  })

  it('downloads a file and a folder', async () => {
    await page.goto(`${base()}figures/`)
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download scan.bin' }).click()
    ])
    expect(file.suggestedFilename()).toBe('scan.bin')
    expect((await readFile(await file.path())).equals(LARGE)).toBe(true)
    const [zip] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download all as zip' }).click()
    ])
    expect(zip.suggestedFilename()).toBe('figures.zip')
    const { stdout } = await run('unzip', ['-tq', await zip.path()])
    expect(stdout).toContain('No errors')
  })

  it('goes on after a break: curl and wget, with the commands that the page shows', async () => {
    await page.goto(`${base()}figures/scan.bin?details`)
    const command = String(await page.locator('pre.command').textContent())
    const target = room.path('out')
    await mkdir(target)
    // Half of it, and then the gateway is gone for a while.
    await run(
      'bash',
      ['-c', `${command} --max-filesize 1 || true; head -c 30000000 ../source/figures/scan.bin > scan.bin`],
      {
        cwd: target
      }
    )
    await gateway.stop()
    await expect(run('bash', ['-c', `${command} -sS`], { cwd: target })).rejects.toThrow()
    await start(port)
    const { stdout } = await run('bash', ['-c', `${command} -sS -w '%{size_download}'`], { cwd: target })
    expect(Number(stdout)).toBe(LARGE.length - 30_000_000)
    expect((await readFile(`${target}/scan.bin`)).equals(LARGE)).toBe(true)
    await run(
      'bash',
      ['-c', `head -c 1000 scan.bin > half && mv half scan.bin && wget -q -c '${base()}figures/scan.bin'`],
      {
        cwd: target
      }
    )
    expect((await readFile(`${target}/scan.bin`)).equals(LARGE)).toBe(true)
  })

  it('goes on after a break that the other end makes in the middle', async () => {
    const target = room.path('slow.bin')
    const slow = run('curl', ['-sS', '--limit-rate', '10M', '-o', target, `${base()}figures/scan.bin`])
    slow.catch(() => {})
    await expect.poll(async () => (await stat(target).catch(() => null))?.size ?? 0).toBeGreaterThan(0)
    await gateway.stop()
    await expect(slow).rejects.toThrow()
    await start(port)
    await run('curl', ['-sS', '-C', '-', '-o', target, `${base()}figures/scan.bin`])
    expect((await readFile(target)).equals(LARGE)).toBe(true)
  })

  it('tells that a link has expired, or is none, and shows nothing else', async () => {
    const good = gateway
    const was = url
    await start(0, ['--expires', '1s', '--path', 'figures'])
    await expect.poll(async () => (await page.goto(url))?.status(), { timeout: 20_000, interval: 300 }).toBe(403)
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('This link has expired')
    expect(await page.content()).not.toContain('plot.png')
    await gateway.stop()
    gateway = good
    url = was
    expect((await page.goto(new URL(url).origin))?.status()).toBe(403)
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('This link is not valid')
    // The browser says so itself.
    complaints.splice(
      0,
      complaints.length,
      ...complaints.filter((text) => !/status of 403|favicon|asked for/.test(text))
    )
  })

  it('shows hostile names as they are, opens them, and none of them does anything', async () => {
    await page.goto(`${base()}hostile/`)
    const shown = (await page.locator('td.name a').allTextContents()).sort()
    expect(shown).toEqual(HOSTILE.map((name) => name.replace('\u202e', '?')).sort())
    for (let i = 0; i < HOSTILE.length; i++) {
      await page.goto(`${base()}hostile/`)
      await page.locator('td.name a').nth(i).click()
      await page.waitForURL(/details/)
      expect(await page.title()).not.toBe('1')
      expect(await page.locator('main img').count()).toBe(0)
    }
  })

  it(`stays usable with ${MANY} files in one folder`, async () => {
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const since = performance.now()
      await work()
      return performance.now() - since
    }
    const times = {
      first: await timed(() => page.goto(`${base()}many/`)),
      all: await timed(() => page.goto(`${base()}many/?page=1`)),
      next: await timed(() => page.getByRole('link', { name: 'Next' }).click()),
      sorted: await timed(() => page.goto(`${base()}many/?sort=size&order=desc`)),
      last: await timed(() => page.getByRole('link', { name: 'Last' }).click()),
      search: await timed(async () => {
        await page.goto(`${base()}many/`)
        await page.getByRole('searchbox').fill('sample-077')
        await expect.poll(() => page.locator('caption').textContent()).toMatch(/^1,000 entries/)
      })
    }
    console.info(
      'many files, ms:',
      JSON.stringify(times, (_key, value) => (typeof value === 'number' ? Math.round(value) : value))
    )
    for (const ms of Object.values(times)) expect(ms).toBeLessThan(PATIENCE)
    // The beginning is there at once, however long the rest takes.
    expect(times.first).toBeLessThan(PATIENCE / 4)
    expect(await page.locator('td.name').count()).toBe(200)
  })

  it('can be used with the keyboard alone', async () => {
    await page.goto(url)
    await page.keyboard.press('Tab')
    expect(await focused(page)).toBe('Skip to the content')
    const way: string[] = []
    for (let i = 0; i < 14; i++) {
      await page.keyboard.press('Tab')
      way.push(await focused(page))
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)
      expect(outline).not.toBe('none')
      if (way.at(-1) === 'figures/') break
    }
    expect(way.at(-1)).toBe('figures/')
    await page.keyboard.press('Enter')
    await page.waitForURL(/figures\/$/)
  })

  it('has what a screen reader needs: names, roles, a caption, one heading, a language', async () => {
    await page.goto(`${base()}figures/`)
    expect(await page.locator('html').getAttribute('lang')).toBe('en')
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
    expect(await page.getByRole('main').count()).toBe(1)
    expect(await page.getByRole('table', { name: /entries in this folder/ }).count()).toBe(1)
    expect(await page.getByRole('columnheader').first().getAttribute('aria-sort')).toBe('ascending')
    expect(await page.getByRole('searchbox', { name: /Search/ }).count()).toBe(1)
    const nameless = await page.evaluate(() =>
      Array.from(document.querySelectorAll('a,button,input:not([type=hidden]),select'))
        .filter((element) => {
          const { id } = element
          const label = id && document.querySelector(`label[for="${id}"]`)
          return !(element.textContent?.trim() || element.getAttribute('aria-label') || label)
        })
        .map((element) => element.outerHTML)
    )
    expect(nameless).toEqual([])
  })

  it.each(['light', 'dark'] as const)(
    'has enough contrast and no sideways scrolling, %s, on a phone',
    async (colorScheme) => {
      const phone = await browser.newContext({ colorScheme, viewport: { width: 360, height: 740 } })
      const small = await phone.newPage()
      for (const path of ['', 'hostile/', 'table.csv?details', 'figures/scan.bin?details']) {
        await small.goto(base() + path)
        expect(await small.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
        expect(await small.evaluate(lowContrast)).toEqual([])
      }
      await phone.close()
    }
  )

  it('works without scripts', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false })
    const bare = await plain.newPage()
    await bare.goto(url)
    await bare.getByRole('searchbox').fill('frog')
    await bare.keyboard.press('Enter')
    await bare.getByRole('link', { name: 'Details of figures/deep/frog.txt' }).click()
    expect(await bare.getByRole('region', { name: 'Content' }).textContent()).toBe('ribbit\n')
    await bare.goto(`${base()}many/?page=1`)
    await bare.getByRole('link', { name: 'Next' }).click()
    expect(await bare.locator('td.name').first().textContent()).toBe('sample-000200.txt')
    await plain.close()
  })

  it('asks for a password, and lets in who has it', async () => {
    const good = gateway
    const was = url
    await writeFile(room.path('password'), 'quiet frogs\n')
    await start(0, ['--password-file', 'password'])
    await page.goto(url)
    await page.getByLabel('Password').fill('loud frogs')
    await page.getByRole('button', { name: 'Continue' }).click()
    expect(await page.getByRole('alert').textContent()).toContain('not the password')
    await page.getByLabel('Password').fill('quiet frogs')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('link', { name: 'figures/' }).click()
    await page.waitForURL(/figures/)
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !/status of 401/.test(text)))
    await gateway.stop()
    gateway = good
    url = was
  })

  function base(): string {
    const { origin, searchParams } = new URL(url)
    return `${origin}/~${searchParams.get('expires')}.${searchParams.get('signature')}/`
  }
})

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')
}

/** Texts whose contrast with what is behind them is less than 4.5 to 1 (WCAG 2.2, 1.4.3). Runs in the page. */
function lowContrast(): string[] {
  const parse = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number)
  const light = (color: number[]): number => {
    const [r = 0, g = 0, b = 0] = color.slice(0, 3).map((value) => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element: Element | null): number[] => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor)
      if (color.length === 3 || (color[3] ?? 0) > 0.99) return color
    }
    return [255, 255, 255]
  }
  const bad: string[] = []
  for (const element of Array.from(document.querySelectorAll('body *'))) {
    const own = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.textContent?.trim())
    if (!own || element.closest('script,style,.skip,.hidden,option')) continue
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))]
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (ratio < 4.5) bad.push(`${element.outerHTML.slice(0, 80)} ${ratio.toFixed(1)}`)
  }
  return bad
}

/** A picture of one pixel. */
function pixel(): Buffer {
  return Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64'
  )
}
