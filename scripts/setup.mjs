// Brings what a fresh clone lacks: npm packages, and with `quickstart`, `test` or `bench` the machine's tools. Needs nothing but Node.
import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { findCommand, managers, missingTools, packagesFor } from './tools.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const set = process.argv[2]
if (set !== undefined && set !== 'quickstart' && set !== 'test' && set !== 'bench')
  fail(`unknown set "${set}": quickstart, test, bench, or nothing for the npm packages alone`)

try {
  requireNode()
  await npmPackages()
  if (set !== undefined) await machineTools(set)
} catch (error) {
  fail(error.message)
}

function requireNode() {
  const lowest = [20, 18, 1]
  const mine = process.versions.node.split('.').map(Number)
  const differing = lowest.findIndex((number, index) => mine[index] !== number)
  if (differing !== -1 && mine[differing] < lowest[differing])
    fail(`Node ${lowest.join('.')} or later is needed, this is ${process.versions.node}`)
}

async function npmPackages() {
  const [installed, lock] = await Promise.all([modified('node_modules/.package-lock.json'), modified('package-lock.json')])
  if (installed !== undefined && lock !== undefined && installed >= lock) return
  say(`npm packages are ${installed === undefined ? 'missing' : 'older than the lock file'}: npm ci`)
  await run(['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'])
}

async function machineTools(name) {
  let missing = await missingTools(name)
  if (missing.length === 0) return
  say(`missing: ${missing.map(({ command }) => command).join(', ')}`)
  const manager = await packageManager()
  const { packages, unknown } = packagesFor(missing, manager?.name ?? 'apt')
  const command = [...(manager?.install ?? managers[0].install), ...packages].join(' ')
  if (manager === undefined) fail(`no package manager that is known here; on Debian the command would be:\n  ${command}`)
  if (unknown.length > 0) say(`${manager.name} has no package for: ${unknown.join(', ')}; put them on PATH by hand`)
  if (manager.name !== 'apt') fail(packages.length === 0 ? 'cannot go on' : `install them with:\n  ${asRoot(command)}`)
  if (process.getuid?.() !== 0) fail(`installing needs root; run:\n  ${asRoot(command)}`)
  await aptInstall([...manager.install, '-o', 'DPkg::Lock::Timeout=300', ...packages])
  missing = await missingTools(name)
  if (missing.length > 0) fail(`still missing after the installation: ${missing.map((tool) => tool.command).join(', ')}`)
}

async function packageManager() {
  const found = await Promise.all(managers.map(({ command }) => findCommand(command)))
  return managers.find((_, index) => found[index] !== undefined)
}

async function aptInstall(command) {
  const allowServices = forbidServices()
  try {
    const lists = await readdir('/var/lib/apt/lists').catch(() => [])
    let updated = false
    if (!lists.some((name) => name.includes('_Packages'))) updated = await update()
    say(command.join(' '))
    const code = await exitCode(command)
    if (code === 0) return
    if (updated) throw new Error(`apt-get ended with ${code}`)
    await update()
    await run(command)
  } finally {
    allowServices()
  }
  async function update() {
    say('apt-get update')
    await run(['apt-get', 'update', '-q'])
    return true
  }
}

/** Debian starts the services of a package with its installation unless this file says no. Ours goes again; one that is there stays. */
function forbidServices() {
  const path = '/usr/sbin/policy-rc.d'
  try {
    writeFileSync(path, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
  } catch (error) {
    if (error.code === 'EEXIST') return () => {}
    throw error
  }
  say('services of these packages are not started')
  // Synchronous, and on exit, too: whatever ends this program, the file goes.
  const allow = () => rmSync(path, { force: true })
  const interrupted = () => process.exit(130)
  process.once('exit', allow).once('SIGINT', interrupted).once('SIGTERM', interrupted)
  return () => {
    process.off('exit', allow).off('SIGINT', interrupted).off('SIGTERM', interrupted)
    allow()
  }
}

function exitCode([command, ...args]) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return new Promise((resolve, reject) => {
    spawn(command, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] })
      .once('error', reject)
      .once('exit', (code, signal) => resolve(code ?? signal))
  })
}
async function run(command) {
  const code = await exitCode(command)
  if (code !== 0) throw new Error(`"${command.slice(0, 2).join(' ')}" ended with ${code}`)
}
function modified(path) {
  return stat(root + path).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  )
}
function asRoot(command) {
  return process.getuid?.() === 0 ? command : `sudo ${command}`
}
function say(line) {
  process.stdout.write(`setup: ${line}\n`)
}
function fail(line) {
  process.stderr.write(`setup: ${line}\n`)
  process.exit(1)
}
