// Children of the scripts: run one, with its output shown or kept.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

export class CommandError extends Error {
  constructor(command, ended, output) {
    super(`"${command.join(' ')}" ended with ${ended}`)
    this.output = output
  }
}

/** Standard output and both streams in the order in which they came; throws a CommandError with them unless it exits with 0. */
export function capture(command, { cwd = root, env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const stdout = []
    const all = []
    child.stdout.on('data', (chunk) => {
      stdout.push(chunk)
      all.push(chunk)
    })
    child.stderr.on('data', (chunk) => all.push(chunk))
    child.once('error', (error) => reject(new CommandError(command, error.message, '')))
    child.once('close', (code, signal) => {
      const output = Buffer.concat(all).toString()
      if (code === 0) resolve({ stdout: Buffer.concat(stdout).toString(), output })
      else reject(new CommandError(command, code ?? signal, output))
    })
  })
}

/** Its exit code as a shell tells it, with our own streams; what ends us is passed on. With a prefix, each line of its output has that. */
export function show(command, { cwd = root, env = process.env, prefix } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = prefix === undefined ? 'inherit' : ['ignore', 'pipe', 'pipe']
    const child = spawn(command[0], command.slice(1), { cwd, env, stdio })
    if (prefix !== undefined) {
      forwardLines(child.stdout, process.stdout, prefix)
      forwardLines(child.stderr, process.stderr, prefix)
    }
    const forward = (signal) => child.kill(signal)
    // A terminal sends SIGINT to both; the child decides what it means.
    const ignore = () => {}
    process.on('SIGTERM', forward).on('SIGHUP', forward).on('SIGINT', ignore)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('SIGTERM', forward).off('SIGHUP', forward).off('SIGINT', ignore)
      resolve(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGKILL' ? 137 : 143))
    })
  })
}

function forwardLines(from, to, prefix) {
  createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => to.write(`${prefix}${line}\n`))
}
