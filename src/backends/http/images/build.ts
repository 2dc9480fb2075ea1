// Builds by the classic builder: its output is text, and so its steps are told by their words.
import { BuildError, EngineError, isEngineError } from '../../../errors.js'
import type { BuildStep, ImageInfo, RegistryAuth } from '../../../model/image.js'
import { canonicalName } from '../../../oci/reference.js'
import type { BuildOptions, BuildRequest } from '../../../ports/backend/images.js'
import { abortable } from '../../../util/abortable.js'
import { tell } from '../../../util/tell.js'
import { type HttpContext, requireCapability } from '../context.js'
import { HttpFailure } from '../errors.js'
import { describeImage } from './describe.js'
import { imageRef, parseTag } from './names.js'
import { authConfigHeader } from './registry-auth.js'
import { type SaidError, transfer } from './transfer.js'

export async function buildImage(context: HttpContext, request: BuildRequest, options: BuildOptions = {}): Promise<ImageInfo> {
  requireCapability(context, 'build')
  const { tags = [], args = {}, labels = {}, cache = true, dockerfile, target, platform, pull } = request
  const { signal } = options
  signal?.throwIfAborted()
  const names = tags.map((tag) => imageRef(context, canonicalName(parseTag(tag))))
  const output = new BuildOutput(options)
  const exchange = {
    query: {
      t: names,
      dockerfile,
      target,
      platform,
      pull,
      nocache: !cache,
      rm: true,
      forcerm: true,
      version: '1',
      buildargs: Object.keys(args).length === 0 ? undefined : args,
      labels: Object.keys(labels).length === 0 ? undefined : labels,
    },
    headers: authConfigHeader(request.auth ?? (await configuredAuths(context, options))),
    body: abortable(request.context, signal),
    subject: { kind: 'build', id: names[0] ?? dockerfile ?? 'Dockerfile' },
    signal,
  }
  let id: string | undefined
  try {
    for await (const { stream, status, aux } of transfer(context, '/build', exchange, (said, error) => output.failure(said, error))) {
      if (stream) output.add(stream)
      // Of a pull that a step makes.
      else if (status) output.add(`${status}\n`)
      if (typeof aux?.['ID'] === 'string') id = aux['ID']
    }
  } catch (error) {
    // Refused as a whole: a Dockerfile that cannot be read, a context that is none.
    if (isEngineError(error) && error.cause instanceof HttpFailure && !(error instanceof BuildError))
      throw output.failure({ message: error.cause.said }, error)
    throw error
  }
  output.end()
  if (id === undefined)
    throw new EngineError('internal', `the daemon ends build "${exchange.subject.id}" without an image and without an error`)
  return describeImage(context, id)
}

async function configuredAuths({ trace }: HttpContext, { signal }: BuildOptions): Promise<Readonly<Record<string, RegistryAuth>>> {
  const { allDockerCredentials } = await import('../../../registry/docker-credentials.js')
  try {
    return await allDockerCredentials({ signal })
  } catch (error) {
    signal?.throwIfAborted()
    trace({ kind: 'warning', name: 'credentials for a build', error })
    return {}
  }
}

/** Docker, and Podman, which says first which stage of several it is. */
const stepLine = /^(?:\[\d+\/\d+\] )?step (\d+)\/(\d+) ?: (.*)$/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours begin with
const colours = /\u001b\[[0-9;]*m/g
const keptCharacters = 8_000
const longestLine = 64 << 10

/** Pieces of text to lines, steps, and what is told when it fails. */
class BuildOutput {
  readonly #options: BuildOptions
  #step: BuildStep | undefined
  #rest = ''
  #kept = ''
  constructor(options: BuildOptions) {
    this.#options = options
  }

  add(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
    if (this.#rest.length > longestLine) this.end()
  }
  end(): void {
    if (this.#rest !== '') this.#line(this.#rest)
    this.#rest = ''
  }
  failure({ message, code }: SaidError, error: EngineError): BuildError {
    this.end()
    const exitCode = exitCodeOf(message, code)
    const step = this.#step
    const where = step === undefined ? '' : ` at step ${step.number}/${step.total} "${step.instruction.slice(0, 300)}"`
    // What a registry or the disk refused keeps its code.
    const kept = exitCode === undefined && error.code !== 'internal' ? error.code : 'failed_precondition'
    return new BuildError(
      kept,
      `build "${error.subject?.id ?? ''}" failed${where}: ${message.replace(/\s*\n\s*/g, '; ').slice(0, 2_000)}`,
      {
        cause: error.cause,
        subject: error.subject,
        exitCode,
        step,
        output: this.#kept,
      },
    )
  }

  #line(coloured: string): void {
    const line = coloured.replace(colours, '').replace(/\r$/, '')
    const [whole, number, total, instruction = ''] = stepLine.exec(line) ?? []
    if (whole !== undefined) {
      this.#step = { number: Number(number), total: Number(total), instruction }
      tell(this.#options.onStep, this.#step)
    }
    this.#kept = `${this.#kept}${line}\n`.slice(-keptCharacters)
    tell(this.#options.onOutput, line, this.#step)
  }
}

/** Docker tells it as a number, Podman only in words. */
function exitCodeOf(message: string, code: number | undefined): number | undefined {
  const said = /returned a non-zero code: (\d+)|exit status (\d+)\s*$/.exec(message)
  const number = said === null ? undefined : Number(said[1] ?? said[2])
  return code !== undefined && code > 0 && code < 256 ? code : number
}
