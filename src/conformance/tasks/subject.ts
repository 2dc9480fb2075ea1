// The subject of the task suite, and how its cases run commands.
import assert from 'node:assert/strict'
import type { Mount } from '../../model/common.js'
import type { ExitStatus, ProcessRef, RuntimeRef, RuntimeSpec } from '../../model/process.js'
import type { LogPlan, StdioPlan, TaskEvent, TaskRequest, TaskService } from '../../ports/engine/tasks.js'
import type { Attachment, LogEntry } from '../../ports/streams.js'
import type { Case } from '../suite.js'

/** `working_directory`: one that is no directory is told as such. */
export type TaskFeature = 'checkpoint' | 'oom' | 'pause' | 'processes' | 'shared_attach' | 'stats' | 'tty' | 'update' | 'working_directory'

export interface TasksSubject {
  readonly tasks: TaskService
  /** The same root as another process has it. */
  readonly theirs: TaskService
  readonly runtime: RuntimeRef
  /** What every case runs as. Default `detached`. */
  readonly lifetime?: TaskRequest['lifetime'] | undefined
  /** Made anew or shared: nobody writes into it. Has `/bin/sh` with the applets of busybox on the PATH `/bin`, `/etc` and a file `/etc/passwd`. */
  rootfs(): Promise<readonly Mount[]>
  /** Another for each container. */
  log(containerId: string): LogPlan
}
export type TaskCase = Case<TasksSubject, TaskFeature>

export interface SpecOptions {
  readonly cwd?: string | undefined
  readonly cgroupsPath?: string | undefined
  /** OCI `linux.resources`. */
  readonly resources?: RuntimeSpec | undefined
  /** Join the host's pid namespace. Default false. */
  readonly hostPids?: boolean | undefined
}
/** The least that an OCI runtime runs: own namespaces, /proc and /dev, no capabilities but those of signals and ownership. */
export function minimalSpec(containerId: string, args: readonly string[], options: SpecOptions = {}): RuntimeSpec {
  const capabilities = ['CAP_CHOWN', 'CAP_KILL']
  const namespaces = ['ipc', 'mount', 'network', 'uts', ...(options.hostPids === true ? [] : ['pid'])].map((type) => ({ type }))
  return {
    ociVersion: '1.0.2',
    process: {
      ...minimalProcess(args, options.cwd),
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    root: { path: 'rootfs', readonly: false },
    hostname: 'suite',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
    ],
    linux: {
      cgroupsPath: options.cgroupsPath ?? `/pouch-sdk-${containerId}`,
      namespaces,
      resources: { devices: [{ allow: true, access: 'rwm' }], ...options.resources },
    },
  }
}
export function minimalProcess(args: readonly string[], cwd: string = '/'): RuntimeSpec {
  return { user: { uid: 0, gid: 0 }, args: [...args], env: ['PATH=/bin'], cwd, noNewPrivileges: true }
}
export const shell = (script: string): readonly string[] => ['/bin/sh', '-c', script]

let count = 0
export function newId(): string {
  count += 1
  return `suite-${process.pid}-${Date.now().toString(36)}-${count}`
}

export interface RequestOptions extends SpecOptions {
  readonly stdio?: Partial<StdioPlan> | undefined
  readonly containerId?: string | undefined
}
export async function request(subject: TasksSubject, args: readonly string[], options: RequestOptions = {}): Promise<TaskRequest> {
  const containerId = options.containerId ?? newId()
  return {
    containerId,
    runtime: subject.runtime,
    spec: minimalSpec(containerId, args, options),
    rootfs: await subject.rootfs(),
    lifetime: subject.lifetime ?? 'detached',
    stdio: { tty: false, stdin: false, attach: false, log: subject.log(containerId), ...options.stdio },
  }
}
/** Runs, calls `body`, and removes the task whatever happens. */
export async function withTask(
  subject: TasksSubject,
  args: readonly string[],
  options: RequestOptions,
  body: (ref: ProcessRef, attachment: Attachment | undefined) => Promise<void>,
): Promise<void> {
  const asked = await request(subject, args, options)
  const ref = { containerId: asked.containerId }
  try {
    const { attachment } = await subject.tasks.run(asked)
    try {
      await body(ref, attachment)
    } finally {
      await attachment?.close()
    }
  } finally {
    await subject.tasks.delete(ref, { kill: true })
  }
}
export interface Output {
  readonly stdout: string
  readonly stderr: string
}
export async function readAll(attachment: Attachment | undefined): Promise<Output> {
  assert(attachment !== undefined, 'there is an attachment')
  const chunks: { stdout: Uint8Array[]; stderr: Uint8Array[] } = { stdout: [], stderr: [] }
  for await (const { stream, bytes } of attachment.output) chunks[stream].push(bytes)
  return { stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() }
}
/** Reads on until the text has come. */
export async function readUntil(attachment: Attachment | undefined, wanted: string): Promise<string> {
  assert(attachment !== undefined, 'there is an attachment')
  let text = ''
  const iterator = attachment.output[Symbol.asyncIterator]()
  while (!text.includes(wanted)) {
    const { done, value } = await iterator.next()
    if (done === true) assert.fail(`output ended before "${wanted}": ${text}`)
    text += Buffer.from(value.bytes).toString()
  }
  return text
}
export async function logLines(entries: AsyncIterable<LogEntry>): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const { stream, text } of entries) lines.push(`${stream} ${text}`)
  return lines
}
/** What came, up to and with the first for which `enough` is true. Listens before it returns. */
export function collectUntil(events: AsyncIterable<TaskEvent>, enough: (event: TaskEvent) => boolean): Promise<readonly TaskEvent[]> {
  return (async () => {
    const seen: TaskEvent[] = []
    for await (const event of events) {
      seen.push(event)
      if (enough(event)) break
    }
    return seen
  })()
}
export function exitFacts({ exitCode, signal, lost }: ExitStatus): Pick<ExitStatus, 'exitCode' | 'signal' | 'lost'> {
  return { exitCode, ...(signal !== undefined && { signal }), lost }
}
