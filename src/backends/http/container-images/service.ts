import * as z from 'zod/mini'
import { posix } from 'node:path'
import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { FileChange } from '../../../model/container.js'
import type { ImageInfo } from '../../../model/image.js'
import type { CheckpointOptions, CommitOptions, ContainerImages, UpgradeOptions } from '../../../ports/backend/container-images.js'
import { act } from '../act.js'
import { type HttpContext, requireCapability, unsupported } from '../context.js'
import { describeImage } from '../images/describe.js'
import { toInstructions } from '../images/instructions.js'
import { imageRef, nameParts, parseTag } from '../images/names.js'
import { wholeTar } from '../images/whole-tar.js'
import { path } from '../path.js'
import { parse } from '../wire/parse.js'

const created = z.object({ Id: z.string() })
const changed = z.nullable(z.array(z.object({ Path: z.string(), Kind: z.number() })))
const kinds: readonly FileChange['kind'][] = ['modified', 'added', 'deleted']

export class HttpContainerImages implements ContainerImages {
  readonly #context: HttpContext
  constructor(context: HttpContext) {
    this.#context = context
  }

  async commit(id: string, reference: string, options: CommitOptions = {}): Promise<ImageInfo> {
    requireCapability(this.#context, 'commit')
    const { author, comment, config, pause = true, signal } = options
    const target = parseTag(reference)
    if (config !== undefined) requireCapability(this.#context, 'commit_config')
    const { repo, tag } = nameParts(this.#context, target)
    const changes = toInstructions(this.#context, config)
    const answer = await this.#context.calls.json('POST', '/commit', {
      query: { container: id, repo, tag, author, comment, pause, changes: changes.length === 0 ? undefined : changes.join('\n') },
      // Podman does not do without.
      body: {},
      patient: true,
      subject: { kind: 'container', id },
      signal,
    })
    // pouchd tells the beginning of the id only.
    const made = parse(created, answer, 'POST /commit').Id
    return describeImage(this.#context, /[0-9a-f]{64}$/.test(made) ? made : reference)
  }
  async upgrade(id: string, reference: string, { healthyWithinMs = 0, entrypoint, command, signal }: UpgradeOptions = {}): Promise<void> {
    requireCapability(this.#context, 'upgrade')
    if (healthyWithinMs > 0) throw unsupported(this.#context.name, '"healthyWithinMs" of an upgrade')
    const image = await describeImage(this.#context, reference, { signal })
    await act(this.#context, 'POST', path`/containers/${id}/upgrade`, {
      body: {
        Image: imageRef(this.#context, image.names.includes(reference) ? reference : (image.names[0] ?? image.id)),
        Entrypoint: entrypoint,
        Cmd: command,
      },
      subject: { kind: 'container', id },
      signal,
    })
  }
  async *export(id: string, { signal }: CallOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    requireCapability(this.#context, 'export')
    const { body } = await this.#context.calls.bytes('GET', path`/containers/${id}/export`, { subject: { kind: 'container', id }, signal })
    yield* wholeTar(body, `the export of container "${id}"`)
  }
  async *changes(id: string, { signal }: CallOptions = {}): AsyncGenerator<FileChange, void, undefined> {
    requireCapability(this.#context, 'changes')
    const answer = await this.#context.calls.json('GET', path`/containers/${id}/changes`, {
      patient: true,
      subject: { kind: 'container', id },
      signal,
    })
    for (const { Path, Kind } of parse(changed, answer ?? null, 'GET /containers/{id}/changes') ?? []) {
      const kind = kinds[Kind]
      if (kind === undefined) throw new EngineError('internal', `the daemon tells of "${Path}" a change of the unknown kind ${Kind}`)
      yield { path: Path, kind }
    }
  }
  /** The last part of `directory` is what the daemon calls the checkpoint. */
  async checkpoint(id: string, directory: string, { leaveRunning = false, labels, signal }: CheckpointOptions = {}): Promise<void> {
    requireCapability(this.#context, 'checkpoint')
    if (labels !== undefined && Object.keys(labels).length > 0) throw unsupported(this.#context.name, '"labels" of a checkpoint')
    const { name, parent } = place(directory)
    await act(this.#context, 'POST', path`/containers/${id}/checkpoints`, {
      body: { CheckpointID: name, CheckpointDir: parent, Exit: !leaveRunning },
      subject: { kind: 'container', id },
      signal,
    })
  }
  async restore(id: string, directory: string, { signal }: CallOptions = {}): Promise<void> {
    requireCapability(this.#context, 'checkpoint')
    const { name, parent } = place(directory)
    await act(this.#context, 'POST', path`/containers/${id}/start`, {
      query: { checkpoint: name, 'checkpoint-dir': parent },
      patient: true,
      subject: { kind: 'container', id },
      signal,
    })
  }
}

function place(directory: string): { readonly name: string; readonly parent: string } {
  const whole = posix.normalize(directory).replace(/(?<=.)\/$/, '')
  const [name, parent] = [posix.basename(whole), posix.dirname(whole)]
  if (!posix.isAbsolute(whole) || name === '')
    throw new EngineError('invalid_argument', `"${directory}" is no absolute path of a directory`)
  return { name, parent }
}
