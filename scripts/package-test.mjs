// The packed tarball, installed and imported on every Node that it promises to run on, and what each entry loads. dist/ must be built.
import { cp, mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { entryPaths } from './entries.mjs'
import { capture, root } from './process.mjs'
import { installTarball } from './tarball.mjs'

const { name, engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
const lowest = engines.node.replace('>=', '')
const releases = [lowest, '22', '24']
/** Who imports these never loads gRPC: they must start quickly and work where it cannot be installed. */
const withoutGrpc = ['.', './http', './drivers', './testing', './conformance']
/** Two thirds of the time that loading the HTTP room would take: loaded by who connects. */
const withoutUndici = ['.', './http']
/** And this one does: or the look at what is loaded sees nothing. */
const withGrpc = './containerd'

const problems = []
const installed = await installTarball()
try {
  await cp(join(root, 'test/package'), join(installed.project, 'programs'), { recursive: true })
  const entries = await entryPaths()
  const nodes = []
  for (const release of releases) nodes.push(await findNode(release))
  for (const node of nodes) for (const entry of entries) await testEntry(node, entry)
  for (const { path, version } of nodes)
    process.stdout.write(`import on Node ${version}: ${(await importTimes(path, entries)).join(', ')}\n`)
} finally {
  await installed.dispose()
}
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`)
  process.exitCode = 1
}

async function testEntry({ path, version }, entry) {
  const subject = `"${specifier(entry)}" on Node ${version}`
  try {
    const { names, loaded } = JSON.parse(
      (await capture([path, '--no-warnings', 'programs/loaded.mjs', specifier(entry)], { cwd: installed.project })).stdout,
    )
    if (names.length === 0) problems.push(`${subject} exports nothing`)
    if (names.includes('default')) problems.push(`${subject} has a default export`)
    const grpc = loaded.filter((file) => file.includes('/node_modules/@grpc/grpc-js/'))
    if (withoutGrpc.includes(entry) && grpc.length > 0) problems.push(`${subject} loads grpc-js: ${grpc[0]}`)
    const undici = loaded.find((file) => file.includes('/node_modules/undici/'))
    if (withoutUndici.includes(entry) && undici !== undefined) problems.push(`${subject} loads undici: ${undici}`)
    if (entry === withGrpc && grpc.length === 0) problems.push(`${subject} was not seen to load grpc-js: this test sees nothing`)
    if (!loaded.some((file) => file.startsWith(join(installed.project, 'node_modules', name))))
      problems.push(`${subject} did not come from the tarball`)
  } catch (error) {
    problems.push(`${subject} cannot be imported:\n${error.output ?? error.stack}`)
  }
}

async function importTimes(node, entries) {
  const shown = []
  for (const entry of entries) {
    const times = []
    for (let round = 0; round < 5; round++)
      times.push(Number((await capture([node, 'programs/import-time.mjs', specifier(entry)], { cwd: installed.project })).stdout))
    shown.push(`${entry} ${times.sort((a, b) => a - b)[2].toFixed(0)} ms`)
  }
  return shown
}

/** That release's binary, which comes as an npm package; kept in .cache/, apart from our own packages. */
async function findNode(release) {
  const folder = join(root, '.cache', `node-${release}`)
  const path = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin/node')
  if ((await stat(path).catch(() => undefined)) === undefined) {
    await mkdir(folder, { recursive: true })
    const wanted = `node-${process.platform}-${process.arch}@${release}`
    await capture([
      'npm',
      'install',
      '--prefix',
      folder,
      wanted,
      '--no-save',
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ])
  }
  return { path, version: (await capture([path, '--version'])).stdout.trim().slice(1) }
}

function specifier(entry) {
  return name + entry.slice(1)
}
