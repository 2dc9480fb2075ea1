// Imports one specifier from the folder it lies in and prints, as JSON, the exported names and every file that got loaded: loaded.mjs SPECIFIER
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire, register } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = mkdtempSync(join(tmpdir(), 'loaded-'))
const path = join(folder, 'urls')
register('./recording-hooks.mjs', { parentURL: import.meta.url, data: { path } })
const names = Object.keys(await import(process.argv[2]))
const imported = readFileSync(path, 'utf8')
  .split('\n')
  .filter((url) => url.startsWith('file:'))
  .map((url) => fileURLToPath(url))
rmSync(folder, { recursive: true })
// What CommonJS code required does not pass the hooks, but stands in its cache.
const required = Object.keys(createRequire(import.meta.url).cache)
process.stdout.write(JSON.stringify({ names, loaded: [...new Set([...imported, ...required])] }))
