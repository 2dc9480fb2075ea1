// The verbs of the OCI command line, as runc defined it and crun, youki and runsc follow it. Pure: arguments in, arguments out,
// and what a runtime's log says. Nothing else in this room knows them.
import type { Labels } from '../../model/common.js'

/** A runtime's program with the place of its state. */
export interface OciProgram {
  readonly binary: string
  readonly globalArgs: readonly string[]
  readonly env: Labels
  /** Where it keeps what it must know of its containers: one directory for each. */
  readonly root: string
}
export interface OciRun {
  readonly id: string
  readonly bundle: string
  readonly pidFile: string
  readonly log: string
  /** Leave the container's state and cgroup when it has ended. */
  readonly keep: boolean
}
export interface OciExec {
  readonly id: string
  readonly processFile: string
  readonly pidFile: string
  readonly log: string
}
/** Verbs that take nothing but the container. */
export type OciVerb = 'pause' | 'resume' | 'state'

/** In the foreground: ends when the container has, with its exit code. */
export function runArguments(program: OciProgram, { id, bundle, pidFile, log, keep }: OciRun): string[] {
  const keeping = keep ? ['--keep'] : []
  return [...global(program, log), 'run', '--bundle', bundle, '--pid-file', pidFile, ...keeping, id]
}
/** Made, and not started. */
export function createArguments(program: OciProgram, { id, bundle, log }: Pick<OciRun, 'id' | 'bundle' | 'log'>): string[] {
  return [...global(program, log), 'create', '--bundle', bundle, id]
}
/** In the foreground, too. */
export function execArguments(program: OciProgram, { id, processFile, pidFile, log }: OciExec): string[] {
  return [...global(program, log), 'exec', '--process', processFile, '--pid-file', pidFile, id]
}
export function verbArguments(program: OciProgram, verb: OciVerb, id: string): string[] {
  return [...global(program), verb, id]
}
export function killArguments(program: OciProgram, id: string, signal: number): string[] {
  return [...global(program), 'kill', id, String(signal)]
}
/** Kills what runs; absent is success. */
export function deleteArguments(program: OciProgram, id: string): string[] {
  return [...global(program), 'delete', '--force', id]
}
/** `resources` is a file: crun opens its stdin by name, which no socket is, and Node's pipes are sockets. */
export function updateArguments(program: OciProgram, id: string, resources: string): string[] {
  return [...global(program), 'update', '--resources', resources, id]
}
/** Prints a list of pids. */
export function psArguments(program: OciProgram, id: string): string[] {
  return [...global(program), 'ps', '--format', 'json', id]
}
/** How a container's entry in the root of a runtime may be called: the directory of runc and crun, the file of gVisor. */
export function stateNames(id: string): readonly string[] {
  return [id, `${id}${sandboxOf}${id}.state`]
}
/** The container that such an entry is of; of what is beside it, a name that no container of ours has. */
export function containerOfState(entry: string): string {
  return entry.endsWith('.state') ? entry.slice(0, Math.max(0, entry.indexOf(sandboxOf))) : entry
}
const sandboxOf = '_sandbox:'
function global({ globalArgs, root }: OciProgram, log?: string): string[] {
  return [...globalArgs, '--root', root, ...(log === undefined ? [] : ['--log', log, '--log-format', 'json'])]
}

/** What the runtime itself complained about, its last word last; empty: nothing. A line that is no JSON is taken as it is. */
export function complaints(log: string): string {
  const said = log.split('\n').flatMap((line) => {
    if (line.trim() === '') return []
    const entry = parsed(line)
    if (entry === undefined) return [line.trim()]
    // Warnings are about what it goes on with.
    return typeof entry.msg === 'string' && /^(error|fatal|panic)$/i.test(String(entry.level ?? 'error')) ? [entry.msg.trim()] : []
  })
  return said.join('; ')
}
function parsed(line: string): { readonly msg?: unknown; readonly level?: unknown } | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'object' && entry !== null ? entry : undefined
  } catch {
    return undefined
  }
}

/** Of a pid file; `undefined` while it is not whole. */
export function pidIn(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*\s*$/.test(text) ? Number(text) : undefined
}
/** What `ps --format json` printed. */
export function pidsIn(text: string): readonly number[] {
  const pids: unknown = JSON.parse(text.trim() === '' ? '[]' : text)
  return Array.isArray(pids) ? pids.filter((pid) => typeof pid === 'number') : []
}
/** What `state` printed; `undefined`: nothing that we know. */
export function stateIn(text: string): { readonly status: 'created' | 'running' | 'paused' | 'stopped'; readonly pid: number } | undefined {
  const { status, pid = 0 } = (parsed(text.replaceAll('\n', ' ')) ?? {}) as { readonly status?: unknown; readonly pid?: unknown }
  switch (status) {
    case 'creating':
    case 'created':
      return { status: 'created', pid: Number(pid) }
    case 'running':
    case 'paused':
    case 'stopped':
      return { status, pid: Number(pid) }
    default:
      return undefined
  }
}
