// All that must hold before the tests run. `check.mjs NAME...` runs only those steps, and what they need.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capture, root } from './process.mjs'
import { pack } from './tarball.mjs'

const bin = (name, ...args) => [join(root, 'node_modules/.bin', name), ...args]
const script = (name, ...args) => [process.execPath, join(root, 'scripts', name), ...args]

/** `after`: what must have succeeded. The longest chain comes first, since two run at a time. */
const steps = [
  { name: 'build', command: script('build.mjs') },
  { name: 'types', command: bin('tsc', '--project', '.') },
  { name: 'package', after: ['build'], command: script('package-test.mjs'), notes: true },
  { name: 'docs', command: bin('typedoc', '--logLevel', 'Warn') },
  { name: 'format', command: bin('biome', 'format', '--reporter=summary', '.') },
  { name: 'lint', command: bin('biome', 'lint', '--max-diagnostics=100', '--error-on-warnings', '.') },
  { name: 'dependency rules', command: bin('depcruise', '--output-type', 'err-long', 'src') },
  { name: 'file sizes', command: script('file-sizes.mjs') },
  { name: 'lock file', run: checkLockFile },
  { name: 'api report', after: ['build'], command: script('api-report.mjs') },
  { name: 'publint', after: ['build'], command: bin('publint', '--strict') },
  { name: 'attw', after: ['build'], run: checkTypesOfTarball },
]
const atOnce = 2

const started = performance.now()
const names = process.argv.slice(2)
const unknown = names.filter((name) => !steps.some((step) => step.name === name))
if (unknown.length > 0) {
  process.stderr.write(`no step "${unknown.join('", "')}"; there are: ${steps.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}
const results = await runAll(selected(names))
const failed = [...results].filter(([, result]) => result !== 'ok').map(([name]) => name)
const seconds = ((performance.now() - started) / 1000).toFixed(1)
process.stdout.write(
  failed.length === 0 ? `check: ${results.size} steps ok in ${seconds} s\n` : `check: failed in ${seconds} s: ${failed.join(', ')}\n`,
)
process.exitCode = failed.length === 0 ? 0 : 1

function selected(wanted) {
  if (wanted.length === 0) return steps
  const chosen = new Set(wanted)
  for (const step of steps) if (chosen.has(step.name)) for (const name of step.after ?? []) chosen.add(name)
  return steps.filter(({ name }) => chosen.has(name))
}

async function runAll(waiting) {
  const left = [...waiting]
  const results = new Map()
  const running = new Set()
  while (left.length > 0 || running.size > 0) {
    for (let index = 0; index < left.length && running.size < atOnce; ) {
      const step = left[index]
      const needed = (step.after ?? []).map((name) => results.get(name))
      if (needed.includes('failed') || needed.includes('not run')) {
        report(step.name, 'not run', 0)
        results.set(step.name, 'not run')
        left.splice(index, 1)
      } else if (needed.includes(undefined)) index++
      else {
        left.splice(index, 1)
        const promise = runStep(step).then((result) => {
          results.set(step.name, result)
          running.delete(promise)
        })
        running.add(promise)
      }
    }
    await Promise.race(running)
  }
  return results
}

async function runStep({ name, command, run, notes }) {
  const began = performance.now()
  const ms = () => performance.now() - began
  try {
    const { output } = run === undefined ? await capture(command) : await run()
    report(name, 'ok', ms(), notes === true ? output : '')
    return 'ok'
  } catch (error) {
    report(name, 'FAIL', ms(), `${error.output ?? ''}\n${error.output === undefined ? error.stack : error.message}`)
    return 'failed'
  }
}

function report(name, result, ms, output = '') {
  const lines = output
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '')
  process.stdout.write(
    [`${name.padEnd(18)}${result.padEnd(9)}${(ms / 1000).toFixed(1).padStart(6)} s`, ...lines.map((line) => `    ${line}`), ''].join('\n'),
  )
}

/**
 * Addresses in a lock file outlive the registry that wrote them: none may stand there. And `npm ci` refuses a lock that
 * lacks a package of another platform, which is what npm writes where its registry has not got that one.
 */
async function checkLockFile() {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  const problems = []
  for (const [path, { resolved, link, optionalDependencies }] of Object.entries(packages)) {
    if (link === true || resolved !== undefined) problems.push(`${path}: has an address`)
    for (const name of Object.keys(optionalDependencies ?? {}))
      if (!findLocked(packages, path, name)) problems.push(`${path}: "${name}" is not locked`)
  }
  if (problems.length > 0) throw Object.assign(new Error('package-lock.json is not for everybody'), { output: problems.join('\n') })
  return { output: '' }
}

/** Where Node would look: beside the package, then beside each that it is nested in. */
function findLocked(packages, path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true
    if (folder === '') return false
  }
}

async function checkTypesOfTarball() {
  const folder = await mkdtemp(join(tmpdir(), 'pouch-sdk-attw-'))
  try {
    return await capture(bin('attw', await pack(folder), '--profile', 'esm-only', '--no-color', '--no-emoji'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
