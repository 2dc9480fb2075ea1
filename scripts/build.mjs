// Builds dist/. `--if-stale`: only when something changed since. `--no-types`: without the .d.ts files, which take most of the time.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, show } from './process.mjs'

const { values: options } = parseArgs({ options: { 'if-stale': { type: 'boolean' }, 'no-types': { type: 'boolean' } } })
const stamp = join(root, '.cache/build.json')
const inputs = await describeInputs()

if (options['if-stale'] === true && (await isFresh())) process.exit(0)
const started = performance.now()
const code = await show(['node_modules/.bin/tsup', '--silent', ...(options['no-types'] === true ? ['--no-dts'] : [])])
if (code !== 0) process.exit(code)
await writeFile(join(root, 'dist/licenses.txt'), await licences(['zod']))
await mkdir(join(root, '.cache'), { recursive: true })
await writeFile(stamp, JSON.stringify({ types: options['no-types'] !== true, inputs }))
process.stdout.write(`build: dist in ${((performance.now() - started) / 1000).toFixed(1)} s\n`)

/** Of the packages whose code is within ours. */
async function licences(packages) {
  const texts = packages.map(async (name) => `${name}\n\n${await readFile(join(root, 'node_modules', name, 'LICENSE'), 'utf8')}`)
  return (await Promise.all(texts)).join('\n')
}

async function isFresh() {
  const last = await readFile(stamp, 'utf8').then(JSON.parse, () => undefined)
  const built = await stat(join(root, 'dist/index.js')).catch(() => undefined)
  return built !== undefined && last?.inputs === inputs && (last.types || options['no-types'] === true)
}

/** Names, sizes and times of all that a build reads. */
async function describeInputs() {
  const sources = (await readdir(join(root, 'src'), { recursive: true }))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/${name}`)
  const names = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsup.config.ts', ...sources.sort()]
  const lines = await Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(join(root, name))
      return `${name} ${size} ${mtimeMs}`
    }),
  )
  return lines.join('\n')
}
