// Runs the tests and closes with "N passed, N failed, N skipped". `--unit`: what needs no root; else in private namespaces. Other arguments go to vitest.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { enter, furnish, isInside, leftBehind } from './namespace.mjs'
import { show } from './process.mjs'

const args = process.argv.slice(2)
const unit = args.includes('--unit')
const filters = args.filter((argument) => argument !== '--unit')

if (unit) await runTests(['unit', 'types'])
else if (isInside()) {
  await furnish()
  await runTests(['unit', 'types', 'conformance', 'integration'])
} else process.exitCode = await enter(fileURLToPath(import.meta.url), args)

async function runTests(projects) {
  const folder = await mkdtemp(join(tmpdir(), 'run-'))
  const path = join(folder, 'summary.json')
  // A run of part of the tests may leave a project out; the whole may not.
  const env = { ...process.env, POUCH_SDK_SUMMARY: path, POUCH_SDK_WHOLE_RUN: filters.length === 0 ? '1' : '0' }
  const selected = projects.flatMap((project) => ['--project', project])
  const code = await show(
    ['node_modules/.bin/vitest', 'run', ...selected, '--reporter=default', '--reporter=./test/setup/reporter.ts', ...filters],
    { env },
  )
  const summary = await readFile(path, 'utf8').then(JSON.parse, () => undefined)
  await rm(folder, { recursive: true, force: true })

  const problems = summary?.problems ?? ['vitest ended without a summary']
  if (!unit) problems.push(...(await endLeftovers()))
  const failures = summary?.failures ?? []
  if (code !== 0 && problems.length === 0 && failures.length === 0) problems.push(`vitest exited with ${code}`)
  const skipped = summary?.skipped ?? []
  if (skipped.length > 0) process.stdout.write(`\nSkipped:\n${skipped.map(({ test, reason }) => `  ${test}: ${reason}\n`).join('')}`)
  const backends = summary?.backends ?? []
  if (backends.length > 0) process.stdout.write(`\n${table(backends)}`)
  // Last, where one looks first.
  if (failures.length > 0)
    process.stdout.write(`\nFailed:\n${failures.map(({ test, message }) => `  ${test}: ${message.split('\n', 1)[0]}\n`).join('')}`)
  if (problems.length > 0) process.stdout.write(`\nFailures beside the tests:\n${problems.map((problem) => `  ${problem}\n`).join('')}`)
  const failed = failures.length + problems.length
  process.exitCode = failed > 0 ? 1 : 0
  process.stdout.write(`\n${summary?.passed ?? 0} passed, ${failed} failed, ${skipped.length} skipped\n`)
}

/** How each backend answered the backend suite. */
function table(backends) {
  const columns = ['backend', 'passed', 'unsupported', 'failed']
  const rows = [columns, ...backends.map((row) => columns.map((column) => String(row[column])))]
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at].length)))
  const line = (row) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ')
  return rows.map((row) => `${line(row)}\n`).join('')
}

/** A test that leaves a process has failed to clean up; it must not hold the namespaces. */
async function endLeftovers() {
  let left = await leftBehind()
  // A shim whose task was deleted needs a moment to go.
  for (const deadline = performance.now() + 5_000; left.length > 0 && performance.now() < deadline; left = await leftBehind())
    await setTimeout(100)
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone meanwhile.
    }
  }
  return left.map(({ pid, name }) => `process ${pid} "${name}" was left behind`)
}
