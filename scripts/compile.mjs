// Turns a TypeScript program of this repository into one that Node 20 runs. Packages stay imports: `pouch-sdk` is then our own dist/.
import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { root } from './process.mjs'

/** `import.meta.url` keeps meaning the source, since programs find their neighbours by it. Returns the path; `dispose` removes it. */
export async function compile(source) {
  const folder = join(root, '.cache', `program-${process.pid}`)
  const path = join(folder, `${basename(source).replace(/\.ts$/, '')}.mjs`)
  await mkdir(folder, { recursive: true })
  await build({
    entryPoints: [join(root, source)],
    outfile: path,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // Not the repository's tsconfig: its paths lead from `pouch-sdk` to the source.
    tsconfigRaw: '{}',
    sourcemap: 'inline',
    logLevel: 'warning',
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, source)).href) },
  })
  return { path, dispose: () => rm(folder, { recursive: true, force: true }) }
}
