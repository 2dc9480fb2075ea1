// What several runs of vitest counted (test/setup/reporter.ts), as one, and how it is printed.

/** Where a whole run must have run the backend suite: the beginnings of the names of its backends. */
const wantedBackends = ['memory', 'containerd', 'dockerd', 'podman', 'pouchd', 'local']

export function merge(summaries, { everyBackend }) {
  const all = (name) => summaries.flatMap((summary) => summary[name])
  const merged = {
    passed: summaries.reduce((sum, { passed }) => sum + passed, 0),
    failures: all('failures'),
    skipped: all('skipped'),
    backends: all('backends'),
    problems: all('problems'),
  }
  for (const wanted of everyBackend ? wantedBackends : []) {
    const hasRun = merged.backends.some(({ backend, passed }) => backend.startsWith(wanted) && passed > 0)
    if (!hasRun) merged.problems.push(`the backend suite ran no case on ${wanted}`)
  }
  return merged
}

/** The exit code that is due. */
export function print({ passed, failures, skipped, backends, problems }) {
  section('Skipped', [...bySuites(skipped)])
  if (backends.length > 0) process.stdout.write(`\n${table(backends)}`)
  // Last, where one looks first.
  section(
    'Failed',
    failures.flatMap(({ test, message }) => [`${test}:`, ...shortened(message.split('\n')).map((line) => `    ${line}`)]),
  )
  section('Failures beside the tests', problems)
  const failed = failures.length + problems.length
  process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped\n`)
  return failed > 0 ? 1 : 0
}

/** What several suites skip stands there once. */
function bySuites(skipped) {
  const suites = new Map()
  for (const { suite, title, reason } of skipped) {
    const what = `${reason}: ${title}`
    suites.set(what, [...(suites.get(what) ?? []), suite])
  }
  return [...suites].sort(([one], [other]) => one.localeCompare(other)).map(([what, names]) => `${what} (${names.join(', ')})`)
}
const mostLines = 40
function shortened(lines) {
  return lines.length <= mostLines ? lines : [...lines.slice(0, mostLines), `... ${lines.length - mostLines} lines more`]
}

function section(title, lines) {
  if (lines.length > 0) process.stdout.write(`\n${title}:\n${lines.map((line) => `  ${line}\n`).join('')}`)
}

/** How each backend answered the backend suite. */
function table(backends) {
  const columns = ['backend', 'passed', 'unsupported', 'failed']
  const rows = [columns, ...backends.map((row) => columns.map((column) => String(row[column])))]
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at].length)))
  const line = (row) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ')
  return rows.map((row) => `${line(row)}\n`).join('')
}
