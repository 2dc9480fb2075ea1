// The package entries, from package.json.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './process.mjs'

/** As users import them: `.`, `./http` and so on, code only. */
export async function entryPaths() {
  const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return Object.keys(exports).filter((path) => !path.endsWith('.json'))
}

/** As their files in dist/ are called: `index`, `http` and so on. */
export async function entryNames() {
  return (await entryPaths()).map((path) => (path === '.' ? 'index' : path.slice(2)))
}
