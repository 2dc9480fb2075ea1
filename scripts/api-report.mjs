// Keeps the types of each package entry, bundled into one file, as etc/<entry>.api.d.ts. Fails when dist/ differs; `--update` rewrites them.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'tsup'
import { entryNames } from './entries.mjs'
import { root } from './process.mjs'

const update = process.argv.includes('--update')
const etc = join(root, 'etc')
await mkdir(join(root, '.cache'), { recursive: true })
const folder = await mkdtemp(join(root, '.cache/api-'))
try {
  const reports = await bundle()
  const kept = (await readdir(etc).catch(() => [])).filter((name) => name.endsWith('.api.d.ts'))
  if (update) {
    await mkdir(etc, { recursive: true })
    for (const name of kept) if (!reports.has(name)) await rm(join(etc, name))
    for (const [name, text] of reports) await writeFile(join(etc, name), text)
  } else await compare(reports, kept)
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** From dist/*.d.ts, where entries share chunks with names that change. */
async function bundle() {
  const names = await entryNames()
  await Promise.all(
    names.map((name) =>
      build({
        config: false,
        silent: true,
        clean: false,
        format: 'esm',
        entry: { [name]: join(root, `dist/${name}.d.ts`) },
        outDir: folder,
        dts: { only: true },
      }),
    ),
  )
  const reports = new Map()
  for (const name of names) {
    const entry = name === 'index' ? 'pouch-sdk' : `pouch-sdk/${name}`
    const text = oneExportPerLine(await readFile(join(folder, `${name}.d.ts`), 'utf8'))
    reports.set(`${name}.api.d.ts`, `// The types of "${entry}", as built. Written by \`npm run api:update\`.\n\n${text}`)
  }
  return reports
}

/** So that a review shows which one came or went. */
function oneExportPerLine(text) {
  return text.replace(
    /^export \{ (.+) \};$/m,
    (_, names) =>
      `export {\n${names
        .split(', ')
        .map((name) => `    ${name},\n`)
        .join('')}};`,
  )
}

async function compare(reports, kept) {
  const problems = kept.filter((name) => !reports.has(name)).map((name) => `etc/${name}: there is no such entry`)
  for (const [name, text] of reports) {
    const before = await readFile(join(etc, name), 'utf8').catch(() => undefined)
    if (before === undefined) problems.push(`etc/${name} is missing`)
    else if (before !== text) problems.push(`etc/${name} differs from the build:\n${difference(before, text)}`)
  }
  if (problems.length === 0) return
  process.stderr.write(`${problems.join('\n')}\n"npm run api:update" rewrites the reports; review what changes for users.\n`)
  process.exitCode = 1
}

/** The lines that only one of them has: enough to see what it is about. */
function difference(before, after) {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const [oldSet, nowSet] = [new Set(old), new Set(now)]
  const lines = [
    ...old.filter((line) => !nowSet.has(line)).map((line) => `  - ${line}`),
    ...now.filter((line) => !oldSet.has(line)).map((line) => `  + ${line}`),
  ]
  if (lines.length === 0) return '  (the order)'
  return lines.slice(0, 40).join('\n') + (lines.length > 40 ? `\n  … and ${lines.length - 40} more lines` : '')
}
