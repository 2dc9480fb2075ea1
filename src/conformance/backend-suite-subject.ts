// The subject of the backend suite, and how its cases run commands.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { isEngineError } from '../errors.js'
import type { ContainerSettings, ContainerSpec } from '../model/container-spec.js'
import type { ContainerChange, ContainerInfo } from '../model/container.js'
import type { ExecSpec } from '../model/exec.js'
import type { ImageConfig } from '../model/image.js'
import type { ExitStatus } from '../model/process.js'
import type { Backend, Capability } from '../ports/backend/backend.js'
import type { Attachment } from '../ports/streams.js'
import { type Case, collect } from './suite.js'
import { type Output, readAll, readUntil, shell } from './tasks/subject.js'

/** Beside what a backend itself says it can, what the place of the suite can. */
export type BackendFeature =
  | Capability
  /** Commands are real programs of a busybox, not a pretence of some. */
  | 'commands'
  /** A source of a bind that is not there is refused. */
  | 'checked_bind_sources'
  /** The suite runs on the machine of the containers, and may bind its files. */
  | 'host'
  /** A container beyond its memory limit is killed, and that is told. */
  | 'oom'
  /** What `privileged` needs is there: all capabilities, and the right to raise any limit. */
  | 'privileged'
  /** There is a registry. */
  | 'registry'
  /** A filter of one's own can be given with a container. */
  | 'seccomp_profile'
  /** Without a filter of one's own no user namespaces can be made. */
  | 'strict_seccomp'
  /** Paths can be masked and protected otherwise than by default. */
  | 'masked_paths'
  /** The environment has no more than was asked for, and what every program needs. */
  | 'plain_environment'
  /** Whatever cannot be is refused for the reason that it is. */
  | 'refusals'
  /** Images and containers have contents: layers, roots and files that can be moved. */
  | 'contents'
  /** Networks and volumes can be made. */
  | 'shared_resources'
  /** What becomes of images is told by events. */
  | 'image_events'
  /** A log that was rotated still has its latest lines. */
  | 'rotated_logs'
  /** Programs inherit no capabilities from their container. */
  | 'clean_capabilities'
  /** HOSTNAME in the environment is the container's. */
  | 'hostname_variable'
  /** Further groups are found by their names. */
  | 'group_names'
  /** Other modes of sharing IPC than `host` and `private`. */
  | 'ipc_modes'
  /** A filter of system calls is there by default. */
  | 'seccomp'
  /** How often a restart policy has started a container is counted. */
  | 'restart_count'
  /** An image stays without a name for as long as a container needs it. */
  | 'nameless_images'
  /** Of an end that a removal or a start follows at once the event comes first. */
  | 'ordered_events'
  /** A further process that ends with its container has the exit code of its own end. */
  | 'exec_end_codes'
  /** A container with a network takes aliases and addresses on a further one. */
  | 'endpoint_settings'
  /** A container without a network has the files that tell of name servers, too. */
  | 'resolver_files'

/** An engine that nobody else uses: it has one image and nothing else, and must be so again after the last case. */
export interface BackendSubject {
  readonly backend: Backend
  /**
   * Of one layer: a busybox on the PATH `/bin`, an empty `/tmp`, users root, daemon (1:1) and app (1000:1000, home `/home/app`) in the
   * groups video (44) and users (100), the command `sh`.
   */
  readonly image: string
  /** A container of that image, with `networkMode: 'none'`. */
  spec(command: readonly string[] | undefined, extra?: Partial<ContainerSettings>): ContainerSpec
  /** The same engine as another process has it. */
  another(): Promise<Backend>
  /** An archive of one image like `image`; another name gives another image. `config` stands over that of `image`. */
  archive(
    format: 'docker' | 'oci',
    name: string,
    config?: Pick<ImageConfig, 'command' | 'labels' | 'env' | 'workingDir' | 'user'>,
  ): Promise<Uint8Array>
  /** An archive in Docker's format of two images like `image`, of which the second has another layer than its configuration says. */
  brokenArchive(whole: string, broken: string): Promise<Uint8Array>
  /** A tar of the root of `image`. */
  rootfs(): Promise<Uint8Array>
  /** A directory of this machine that looks like the root of `image`. */
  rootDirectory(): Promise<string>
  /** A reference that the registry has and nobody else uses, and one that it has not. */
  readonly remote: { readonly present: string; readonly absent: string }
  /** Whether `commands` are. */
  readonly real: boolean
  /** A character device of this machine that containers do not get unless they ask. */
  readonly device: string
}
export type BackendCase = Case<BackendSubject, BackendFeature>

export function uniqueName(what: string = 'suite'): string {
  return `${what}-${randomBytes(6).toString('hex')}`
}
export function uniqueImage(): string {
  return `registry.example/suite/${uniqueName('image')}:1`
}
export const forever: readonly string[] = ['sleep', '100000']

/** Creates, calls `body`, and removes the container whatever happens, unless `body` has. */
export async function withContainer<T>(
  subject: BackendSubject,
  command: readonly string[] | undefined,
  extra: Partial<ContainerSettings>,
  body: (id: string) => Promise<T>,
): Promise<T> {
  const id = await subject.backend.containers.create(subject.spec(command, extra))
  try {
    return await body(id)
  } finally {
    await discard(subject.backend, id)
  }
}
export async function discard({ containers }: Backend, id: string): Promise<void> {
  try {
    await containers.remove(id, { force: true })
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
  }
}
/** As `withContainer`, and it runs. */
export async function withRunning<T>(
  subject: BackendSubject,
  command: readonly string[],
  extra: Partial<ContainerSettings>,
  body: (id: string) => Promise<T>,
): Promise<T> {
  return withContainer(subject, command, extra, async (id) => {
    await subject.backend.containers.start(id)
    return body(id)
  })
}
/** As `withRunning`, and its streams are connected. */
export async function withAttached<T>(
  subject: BackendSubject,
  command: readonly string[] | undefined,
  extra: Partial<ContainerSettings>,
  body: (id: string, attachment: Attachment) => Promise<T>,
): Promise<T> {
  return withContainer(subject, command, extra, async (id) => {
    const attachment = await subject.backend.containers.start(id, { attach: { stdin: extra.stdin ?? false } })
    assert(attachment !== undefined, 'start gives the attachment that it was asked for')
    try {
      return await body(id, attachment)
    } finally {
      await attachment.close()
    }
  })
}

/** As `withAttached`, once the command has printed "ready": a process 1 does not hear a signal before it has a handler for it. */
export async function whenReady(
  subject: BackendSubject,
  command: readonly string[],
  extra: Parameters<typeof withAttached>[2],
  body: (id: string) => Promise<void>,
): Promise<void> {
  await withAttached(subject, command, extra, async (id, attachment) => {
    await readUntil(attachment, 'ready')
    await body(id)
  })
}

export interface Outcome extends Output {
  readonly exitCode: number
}
/** A container from its creation to its removal. */
export async function run(
  subject: BackendSubject,
  command: readonly string[] | undefined,
  extra: Partial<ContainerSettings> = {},
): Promise<Outcome> {
  return withAttached(subject, command, extra, async (id, attachment) => {
    const output = await readAll(attachment)
    const { exitCode } = await subject.backend.containers.wait(id)
    return { ...output, exitCode }
  })
}
/** What a script says in a container. It must say nothing on stderr and end with 0. */
export async function say(subject: BackendSubject, script: string, extra: Partial<ContainerSettings> = {}): Promise<string> {
  return sayAs(subject, shell(script), extra)
}
export async function sayAs(subject: BackendSubject, command: readonly string[], extra: Partial<ContainerSettings> = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await run(subject, command, extra)
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' }, `"${command.join(' ')}" says "${stdout}"`)
  return stdout.trimEnd()
}
/** A further process from its creation to its end. */
export async function execute(
  { backend: { execs } }: BackendSubject,
  id: string,
  command: readonly string[],
  extra: Omit<ExecSpec, 'command'> = {},
): Promise<Outcome> {
  const exec = await execs.create(id, { command, ...extra })
  const attachment = await execs.start(exec, { attach: { stdin: extra.stdin ?? false } })
  try {
    const output = await readAll(attachment)
    const { exitCode } = await execs.wait(exec)
    return { ...output, exitCode }
  } finally {
    await attachment?.close()
  }
}

/** What `create` answers where a setting cannot be had: it is refused, and nothing is made. */
export function refusesSettings(extra: Partial<ContainerSettings>): (subject: BackendSubject) => Promise<void> {
  return async (subject) => {
    const { containers } = subject.backend
    const label = uniqueName('label')
    const spec = subject.spec(forever, { ...extra, labels: { ...extra.labels, [label]: '' } })
    await assert.rejects(containers.create(spec), { code: 'unsupported' })
    assert.deepEqual(await idsOf(containers.list({ all: true, labels: { [label]: '' } })), new Set())
  }
}
/** What `update` answers where something cannot be changed: it is refused, and the container is as it was. */
export function refusesChange(change: ContainerChange): (subject: BackendSubject) => Promise<void> {
  return async (subject) => {
    const { containers, control } = subject.backend
    await withRunning(subject, forever, {}, async (id) => {
      const before = await containers.get(id)
      await assert.rejects(control.update(id, change), { code: 'unsupported' })
      assert.deepEqual(await containers.get(id), before)
    })
  }
}

export async function statusOf({ backend }: BackendSubject, id: string): Promise<ContainerInfo['state']['status']> {
  return (await backend.containers.get(id)).state.status
}
export async function idsOf(containers: AsyncIterable<ContainerInfo>): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for await (const { id } of containers) ids.add(id)
  return ids
}
/** Takes an image away with all of its names, if it is there. */
export async function forgetImage({ backend: { images } }: BackendSubject, ref: string): Promise<void> {
  try {
    await images.remove(ref, { force: true })
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
  }
}
/** Ids and names of all images. */
export async function imagesOf({ backend: { images } }: BackendSubject): Promise<readonly string[]> {
  return (await collect(images.list())).flatMap(({ id, names }) => [id, ...names]).sort()
}
/** A signal is told only by who sent it: a backend that cannot know says nothing. */
export function endedBy(
  { exitCode, signal, lost }: ExitStatus,
  wanted: { readonly exitCode: number; readonly signal?: ExitStatus['signal'] },
): void {
  assert.deepEqual({ exitCode, lost }, { exitCode: wanted.exitCode, lost: false })
  if (signal !== undefined) assert.equal(signal, wanted.signal)
}
/** Aborts after each of these many turns of the event loop; before the first of them it is aborted already. */
export const abortAfterTurns: readonly number[] = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

/** Calls `work` and aborts it. True when the abort came too late; else it has rejected with the reason. */
export async function aborted(turns: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
  const reason = new Error(`aborted after ${turns} turns`)
  const controller = new AbortController()
  if (turns === 0) controller.abort(reason)
  const running = unlessAborted(work(controller.signal), reason)
  for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
  controller.abort(reason)
  return running
}
/** False: it rejected with that reason; with another it fails the case. */
export function unlessAborted(work: Promise<unknown>, reason: Error): Promise<boolean> {
  return work.then(
    () => true,
    (error: unknown) => {
      assert.equal(error, reason)
      return false
    },
  )
}
export async function* inChunks(bytes: Uint8Array, size: number = 64 << 10): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
