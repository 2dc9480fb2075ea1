// Runs the tests and closes with "N passed, N failed, N skipped". `--unit`: what needs no root; else in private namespaces. Other arguments go to vitest.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { canEnter, enter, furnish, isInside, leftBehind } from './namespace.mjs'
import { show } from './process.mjs'
import { merge, print } from './test-summary.mjs'

/** Projects of vitest.config.ts. One stage follows the other; the groups of a stage run side by side, each in namespaces of its own: daemons and their containers mostly wait. */
const stages = [[['unit', 'types']], [['integration'], ['conformance', 'containerd'], ['local']]]

const args = process.argv.slice(2)
const unit = args.includes('--unit')
const filters = args.filter((argument) => argument !== '--unit')
const isWhole = filters.length === 0

if (isInside()) {
  await furnish()
  process.exitCode = await runVitest()
  await reportLeftovers()
} else if (unit || (await canEnter())) await runAll()
else process.exitCode = 1

async function runAll() {
  const folder = await mkdtemp(join(tmpdir(), 'run-'))
  try {
    const chosen = unit ? stages.slice(0, 1) : isWhole ? stages : [[stages.flat(2)]]
    const summaries = []
    for (const groups of chosen) {
      const isAlone = groups.length === 1
      summaries.push(...(await Promise.all(groups.map((projects) => runGroup(projects, join(folder, `${projects[0]}.json`), isAlone)))))
    }
    process.exitCode = print(merge(summaries, { everyBackend: isWhole && !unit }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Its summary. */
async function runGroup(projects, path, isAlone) {
  // A run of part of the tests may leave a project out; the whole may not.
  const env = { ...process.env, POUCH_SDK_PROJECTS: projects.join(), POUCH_SDK_SUMMARY: path, POUCH_SDK_WHOLE_RUN: isWhole ? '1' : '0' }
  const options = { env, prefix: isAlone ? undefined : `${projects.at(-1)} | ` }
  const code = unit ? await runVitest(options) : await enter(fileURLToPath(import.meta.url), filters, options)
  const summary = await readSummary(path)
  if (code !== 0 && summary.problems.length === 0 && summary.failures.length === 0) summary.problems.push(`vitest exited with ${code}`)
  return summary
}

function runVitest({ env = process.env, prefix } = {}) {
  const projects = env.POUCH_SDK_PROJECTS.split(',').flatMap((project) => ['--project', project])
  const reporters = ['--reporter=default', '--reporter=./test/setup/reporter.ts']
  return show(['node_modules/.bin/vitest', 'run', ...projects, ...reporters, ...filters], { env, prefix })
}

function readSummary(path) {
  return readFile(path, 'utf8').then(JSON.parse, () => ({
    passed: 0,
    failures: [],
    skipped: [],
    backends: [],
    problems: ['vitest ended without a summary'],
  }))
}

/** A test that leaves a process has failed to clean up; it must not hold the namespaces. */
async function reportLeftovers() {
  let left = await leftBehind()
  // A shim whose task was deleted needs a moment to go.
  for (const deadline = performance.now() + 5_000; left.length > 0 && performance.now() < deadline; left = await leftBehind())
    await setTimeout(100)
  if (left.length === 0) return
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone meanwhile.
    }
  }
  const path = process.env.POUCH_SDK_SUMMARY
  const summary = await readSummary(path)
  summary.problems.push(...left.map(({ pid, name }) => `process ${pid} "${name}" was left behind`))
  await writeFile(path, JSON.stringify(summary))
}
