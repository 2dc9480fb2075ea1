// Programs of this machine: where they are, and running them.
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import { EngineError } from '../../errors.js'
import type { Labels } from '../../model/common.js'
import type { CommandOptions } from '../../ports/engine/host.js'
import { onAbort } from '../../util/abort.js'

/** An ordinary user's PATH often lacks these, and so does a service's. */
const always = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
const mostOutput = 64 * 1024 * 1024
const mostInMessage = 2_000

export function programFolders(): readonly string[] {
  return [...new Set([...(process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute), ...always])]
}
export async function findProgram(file: string): Promise<string | undefined> {
  const candidates = isAbsolute(file) ? [file] : file.includes('/') ? [] : programFolders().map((folder) => join(folder, file))
  for (const path of candidates) {
    try {
      await access(path, constants.X_OK)
      return path
    } catch {
      // not there
    }
  }
  return undefined
}
export async function requireProgram(file: string): Promise<string> {
  const path = await findProgram(file)
  if (path === undefined) throw new EngineError('failed_precondition', `"${file}" is not on PATH`)
  return path
}
/** Messages are read by us, so they come in one language. */
export function programEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: programFolders().join(delimiter), LC_ALL: 'C' }
}
/** What a program complained about, as one line. */
export function toMessage(stderr: string): string {
  return stderr
    .trim()
    .replaceAll(/\s*\n\s*/g, '; ')
    .slice(0, mostInMessage)
}

/** What runs a program for its effect; rejects when it fails. */
export type ProgramRunner = (file: string, args: readonly string[]) => Promise<unknown>

export interface ProgramOptions extends CommandOptions {
  /** Beside our own. */
  readonly env?: Labels | undefined
}
/** Without a shell. Resolves with stdout. */
export async function runProgram(file: string, args: readonly string[], options: ProgramOptions = {}): Promise<Uint8Array> {
  const { signal, netnsPath } = options
  signal?.throwIfAborted()
  const program = await requireProgram(file)
  const [path, argv] =
    netnsPath === undefined ? [program, args] : [await requireProgram('nsenter'), [`--net=${netnsPath}`, '--', program, ...args]]
  signal?.throwIfAborted()
  return await spawned(path, argv, file, options)
}

function spawned(path: string, args: readonly string[], name: string, { input, env, signal }: ProgramOptions): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      cwd: '/',
      env: { ...programEnvironment(), ...env },
    })
    const output: Buffer[] = []
    let size = 0
    let complaint = ''
    let failure: unknown
    const end = (error: unknown): void => {
      failure ??= error
      child.kill('SIGKILL')
      // Somebody that it started may hold on to the pipes.
      child.stdout?.destroy()
      child.stderr?.destroy()
    }
    const aborting = onAbort(signal, () => {
      end(signal?.reason)
    })
    child.stdout?.on('data', (chunk: Buffer) => {
      output.push(chunk)
      size += chunk.length
      if (size > mostOutput) end(new EngineError('resource_exhausted', `"${name}" printed more than ${mostOutput} bytes`))
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (complaint.length < mostInMessage) complaint += text
    })
    // It may end without reading all; then its exit tells.
    child.stdin?.on('error', () => {}).end(input)
    child.on('error', (error) => {
      aborting[Symbol.dispose]()
      reject(failure ?? new EngineError('internal', `"${name}" cannot be run: ${error.message}`, { cause: error }))
    })
    child.on('close', (code, killer) => {
      aborting[Symbol.dispose]()
      if (failure !== undefined) reject(failure)
      else if (code === 0) resolve(Buffer.concat(output))
      else
        reject(
          new EngineError('internal', `"${name}" ended with ${code ?? killer}: ${toMessage(complaint)}`, { exitCode: code ?? undefined }),
        )
    })
  })
}
