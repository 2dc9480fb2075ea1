// How dist/ is built.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root, show } from './process.mjs'

const stamp = join(root, '.cache/build.json')

/** `ifStale`: only when something changed since. `types`: with the .d.ts files, which take most of the time. Resolves with an exit code. */
export async function buildDist({ ifStale = false, types = true } = {}) {
  const inputs = await describeInputs()
  if (ifStale && (await isFresh(inputs, types))) return 0
  const started = performance.now()
  const code = await show(['node_modules/.bin/tsup', '--silent', ...(types ? [] : ['--no-dts'])])
  if (code !== 0) return code
  await writeFile(join(root, 'dist/licenses.txt'), await licences(['zod']))
  await mkdir(join(root, '.cache'), { recursive: true })
  await writeFile(stamp, JSON.stringify({ types, inputs }))
  process.stdout.write(`build: dist in ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
  return 0
}

/** Of the packages whose code is within ours. */
async function licences(packages) {
  const texts = packages.map(async (name) => `${name}\n\n${await readFile(join(root, 'node_modules', name, 'LICENSE'), 'utf8')}`)
  return (await Promise.all(texts)).join('\n')
}

async function isFresh(inputs, types) {
  const last = await readFile(stamp, 'utf8').then(JSON.parse, () => undefined)
  const built = await stat(join(root, 'dist/index.js')).catch(() => undefined)
  return built !== undefined && last?.inputs === inputs && (last.types || !types)
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
