// Counts a run for `scripts/test.mjs`, and finds what vitest forgives: skips without a reason, suites and projects in which nothing ran.
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { SerializedError, TestError } from 'vitest'
import type { Reporter, TestCase, TestModule, TestRunEndReason, TestSuite, Vitest } from 'vitest/node'
import { isRefusal } from '../../src/conformance/suite.js'
import { reasonOfSkip, titleOfSkip } from './skips.js'

/** How one backend answered the backend suite: a case that asks for what it cannot is unsupported, whether the refusal was tested or not. */
interface BackendCount {
  readonly backend: string
  passed: number
  unsupported: number
  failed: number
}
interface Summary {
  passed: number
  readonly failures: { readonly test: string; readonly message: string }[]
  readonly skipped: { readonly suite: string; readonly title: string; readonly reason: string }[]
  readonly backends: BackendCount[]
  /** Failures that are no test's own. */
  readonly problems: string[]
}

export class SummaryReporter implements Reporter {
  #vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[], reason: TestRunEndReason): void {
    const summary: Summary = { passed: 0, failures: [], skipped: [], backends: [], problems: [] }
    for (const module of modules) countModule(module, summary)
    for (const error of unhandledErrors) summary.problems.push(`unhandled error: ${error.message}`)
    if (reason === 'interrupted') summary.problems.push('the run was interrupted')
    if (process.env.POUCH_SDK_WHOLE_RUN === '1') {
      const tested = new Set(modules.filter(({ children }) => ran(children.allTests())).map(({ project }) => project.name))
      for (const { name } of this.#vitest?.projects ?? []) if (!tested.has(name)) summary.problems.push(`project "${name}" ran no test`)
    }
    const path = process.env.POUCH_SDK_SUMMARY
    if (path !== undefined) writeFileSync(path, JSON.stringify(summary))
  }
}

function countModule(module: TestModule, summary: Summary): void {
  const file = `${module.project.name}: ${relative(process.cwd(), module.moduleId)}`
  let failedTests = 0
  for (const test of module.children.allTests()) {
    const { state, errors = [] } = test.result()
    if (state === 'passed') summary.passed++
    else if (state === 'skipped') countSkip(test, file, summary)
    else {
      failedTests++
      summary.failures.push({ test: `${file}: ${test.fullName}`, message: errors.map(told).join('\n') || 'it did not end' })
    }
  }
  // A file or a hook that fails outside of any test.
  if (module.state() === 'failed' && failedTests === 0) summary.problems.push(`${file} failed outside of its tests`)
  for (const suite of module.children.allSuites()) if (suite.name.endsWith(': Backend')) summary.backends.push(countBackend(suite))
  const groups: Iterable<TestSuite | TestModule> = [module, ...module.children.suites()]
  for (const group of groups) {
    if (!ran(group.children.allTests()))
      summary.problems.push(`${file}: ${group.type === 'suite' ? `suite "${group.name}"` : 'the file'} ran no test`)
  }
}

function countBackend(suite: TestSuite): BackendCount {
  const { parent } = suite
  const count = {
    backend: parent.type === 'suite' ? parent.name : suite.name.replace(/: Backend$/, ''),
    passed: 0,
    unsupported: 0,
    failed: 0,
  }
  for (const test of suite.children.allTests()) {
    const { state } = test.result()
    if (state === 'failed' || state === 'pending') count.failed++
    else if (state === 'skipped' || isRefusal(test.name)) count.unsupported++
    else count.passed++
  }
  return count
}

function countSkip(test: TestCase, file: string, summary: Summary): void {
  const reason = reasonOfSkip(test.name)
  const name = `${file}: ${test.fullName}`
  // A hook that failed has kept it from running, and is a problem of its own.
  const kept = test.options.mode === 'run' && test.module.state() === 'failed'
  if (reason === undefined && !kept)
    summary.problems.push(`${name} is ${test.options.mode === 'todo' ? 'a todo' : 'skipped without a reason'}`)
  if (reason !== undefined) summary.skipped.push({ suite: suiteOf(test), title: titleOfSkip(test.name), reason })
}

/** The outermost one: of a suite of ours, the implementation. */
function suiteOf(test: TestCase): string {
  let group: TestCase['parent'] = test.parent
  let name = relative(process.cwd(), test.module.moduleId)
  for (; group.type === 'suite'; group = group.parent) name = group.name
  return name
}

/** With what was expected, and what it was thrown for or hid. */
function told({ message, diff, cause, error, suppressed }: TestError): string {
  const parts = [message, ...(diff === undefined ? [] : [stripVTControlCharacters(diff)])]
  for (const [why, other] of Object.entries({ cause, error, suppressed }))
    if (typeof other === 'object' && other !== null) parts.push(`${why}: ${told(other as TestError)}`)
  return parts.join('\n')
}

function ran(tests: Iterable<TestCase>): boolean {
  for (const test of tests) if (test.result().state !== 'skipped') return true
  return false
}

// vitest takes a reporter module's default export only.
export { SummaryReporter as default }
