// Environment, arguments and working directory of a process.
import { posix } from 'node:path'
import { EngineError } from '../../errors.js'

export interface EnvironmentRequest {
  readonly hostname: string
  readonly tty: boolean
  readonly home: string
  /** Over all defaults; the image's is in it already. */
  readonly env: Readonly<Record<string, string>>
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** `NAME=value` each. */
export function toEnvironment({ hostname, tty, home, env }: EnvironmentRequest): readonly string[] {
  const all = { PATH: DEFAULT_PATH, HOSTNAME: hostname, ...(tty ? { TERM: 'xterm' } : {}), HOME: home, ...env }
  return Object.entries(all).map(([name, value]) => {
    if (name === '' || /[=\0]/.test(name))
      throw new EngineError('invalid_argument', `env: "${name.slice(0, 80).replaceAll('\0', '?')}" is no name`)
    return withoutNul(`${name}=${value}`, `env.${name}`)
  })
}

/** Entry point, then command. */
export function toArguments(entrypoint: readonly string[] | undefined, command: readonly string[] | undefined): readonly string[] {
  const args = [...(entrypoint ?? []), ...(command ?? [])]
  const [program] = args
  if (program === undefined)
    throw new EngineError('invalid_argument', 'there is no command: neither the spec nor the image has "entrypoint" or "command"')
  if (program === '') throw new EngineError('invalid_argument', 'the command is an empty string: its first word names the program')
  return args.map((argument) => withoutNul(argument, 'command'))
}

/** Absolute; what is relative is so to the root. */
export function toWorkingDir(workingDir: string | undefined): string {
  return withoutNul(posix.resolve('/', workingDir ?? '/'), 'workingDir')
}

function withoutNul(text: string, what: string): string {
  if (text.includes('\0')) throw new EngineError('invalid_argument', `${what} contains a NUL character`)
  return text
}
