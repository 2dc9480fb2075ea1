// Runs bench/*.ts in private namespaces, and tells what an installation costs. bench.mjs [--update] [NAME...]; the name "size" is the installation.
// Each bench is a program that prints its figures and exits with 0.
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildDist } from './build-dist.mjs'
import { compile } from './compile.mjs'
import { canEnter, enter, furnish, isInside } from './namespace.mjs'
import { root, show } from './process.mjs'
import { installTarball } from './tarball.mjs'

const { values: options, positionals: wanted } = parseArgs({ allowPositionals: true, options: { update: { type: 'boolean' } } })
const sizes = join(root, 'bench/size.json')
/** More than this is a decision, not a drift. */
const allowedGrowth = 1.05

if (isInside()) {
  await furnish()
  process.exitCode = await runBenches()
} else {
  const built = await buildDist({ ifStale: true })
  if (built !== 0) process.exit(built)
  const size = wanted.length === 0 || wanted.includes('size') ? await measureSize() : 0
  process.exitCode = size || ((await chosen()).length > 0 ? await enterBenches() : 0)
}

/** Files whose name starts with a dot or an underscore, and folders, are parts of benches. */
async function chosen() {
  const all = (await readdir(join(root, 'bench')).catch(() => []))
    .filter((name) => /^[^._].*\.ts$/.test(name))
    .map((name) => name.slice(0, -3))
  const unknown = wanted.filter((name) => name !== 'size' && !all.includes(name))
  if (unknown.length > 0) {
    process.stderr.write(`no bench "${unknown.join('", "')}"; there are: ${['size', ...all].join(', ')}\n`)
    process.exit(2)
  }
  return wanted.length === 0 ? all : all.filter((name) => wanted.includes(name))
}

async function enterBenches() {
  return (await canEnter()) ? enter(fileURLToPath(import.meta.url), process.argv.slice(2)) : 1
}

async function runBenches() {
  let failed = 0
  for (const name of await chosen()) {
    process.stdout.write(`\n${name}\n`)
    const program = await compile(`bench/${name}.ts`)
    try {
      const code = await show([process.execPath, '--enable-source-maps', program.path])
      if (code !== 0) process.stdout.write(`${name}: exited with ${code}\n`)
      failed ||= code
    } finally {
      await program.dispose()
    }
  }
  return failed
}

async function measureSize() {
  const installed = await installTarball()
  try {
    const now = await describe(join(installed.project, 'node_modules'))
    const before = await readFile(sizes, 'utf8').then(JSON.parse, () => undefined)
    process.stdout.write(`installation with production dependencies; the tarball has ${(await stat(installed.tarball)).size} bytes\n`)
    const grown = []
    for (const [figure, value] of Object.entries(now)) {
      process.stdout.write(
        `  ${figure.padEnd(14)}${String(value).padStart(10)}${before === undefined ? '' : `  (committed: ${before[figure]})`}\n`,
      )
      if (before !== undefined && value > before[figure] * allowedGrowth) grown.push(figure)
    }
    if (options.update === true) {
      await writeFile(sizes, `${JSON.stringify(now, undefined, 2)}\n`)
      return 0
    }
    if (before === undefined) process.stdout.write('bench/size.json is missing; "npm run bench -- --update size" writes it\n')
    else if (grown.length > 0)
      process.stdout.write(`grown by more than 5 %: ${grown.join(', ')}; "npm run bench -- --update size" accepts that\n`)
    return before === undefined || grown.length > 0 ? 1 : 0
  } finally {
    await installed.dispose()
  }
}

/** Bytes of all files, and packages by their package.json at the place where npm puts packages. */
async function describe(modules) {
  let installedBytes = 0
  let packages = 0
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    installedBytes += (await stat(path)).size
    if (/(^|node_modules\/)(@[^/]+\/)?[^/@.][^/]*\/package\.json$/.test(relative(modules, path))) packages++
  }
  return { installedBytes, packages }
}
