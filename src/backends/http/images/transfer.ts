// Pulls, pushes, loads, imports and builds talk in a stream that begins with "200 OK", whatever comes of them.
import * as z from 'zod/mini'
import { type EngineError, isEngineError } from '../../../errors.js'
import type { TransferProgress } from '../../../model/image.js'
import type { ProgressOptions } from '../../../ports/backend/images.js'
import { tell } from '../../../util/tell.js'
import type { Exchange } from '../calls.js'
import type { HttpContext } from '../context.js'
import type { ErrorRule } from '../dialect.js'
import { HttpFailure, toEngineError } from '../errors.js'
import { parse } from '../wire/parse.js'
import { nullish } from '../wire/values.js'

/** One object of the stream. */
export interface Message {
  readonly status?: string | null | undefined
  /** A layer's beginning, a tag, or what the daemon calls it. */
  readonly id?: string | null | undefined
  readonly progressDetail?: { readonly current?: number | null | undefined; readonly total?: number | null | undefined } | null | undefined
  readonly stream?: string | null | undefined
  readonly aux?: Readonly<Record<string, unknown>> | null | undefined
}
export interface SaidError {
  readonly message: string
  readonly code?: number | undefined
}
const message = z.object({
  status: nullish(z.string()),
  id: nullish(z.string()),
  progressDetail: nullish(z.object({ current: nullish(z.number()), total: nullish(z.number()) })),
  stream: nullish(z.string()),
  aux: nullish(z.record(z.string(), z.unknown())),
  error: nullish(z.string()),
  errorDetail: nullish(z.object({ message: nullish(z.string()), code: nullish(z.number()) })),
})

/** What a daemon repeats of what a registry or the network said, in words that all of them share. Put after the dialect's own rules. */
const registryRules: readonly ErrorRule[] = [
  {
    message:
      /manifest unknown|name unknown|manifest for .* not found|repository .* not found|not exist locally|no such image|image not known/i,
    code: 'not_found',
  },
  {
    message: /no matching manifest|no image found in (?:manifest list|image index)|does not match the specified platform/i,
    code: 'not_found',
  },
  { message: /unauthorized|authentication required|no basic auth credentials|incorrect username or password/i, code: 'unauthenticated' },
  { message: /access to the resource is denied|access forbidden|denied/i, code: 'permission_denied' },
  { message: /toomanyrequests|too many requests/i, code: 'resource_exhausted' },
  { message: /digest .*(?:mismatch|did not match)|verification failed|wrong digest/i, code: 'data_loss' },
  {
    message:
      /connection refused|connection reset|no such host|i\/o timeout|deadline exceeded|TLS handshake|x509:|HTTP response to HTTPS client|unexpected EOF|no route to host|network is unreachable|server misbehaving|received unexpected HTTP status: 5/i,
    code: 'unavailable',
  },
]

/**
 * The messages of one exchange to its end. An error in it rejects with the code of what it means; `refuse` makes an error of another kind of it.
 * An answer that failed as a whole is judged by the same words, since a daemon chooses freely between the two.
 */
export async function* transfer(
  context: HttpContext,
  path: string,
  exchange: Exchange,
  refuse: (said: SaidError, error: EngineError) => EngineError = (_, error) => error,
): AsyncGenerator<Message, void, undefined> {
  const judge = (failure: HttpFailure): EngineError =>
    toEngineError(failure, {
      request: { method: 'POST', path },
      subject: exchange.subject,
      rules: [...context.dialect.errors, ...registryRules],
    })
  try {
    for await (const value of context.calls.lines('POST', path, { patient: true, ...exchange })) {
      const { error, errorDetail, ...rest } = parse(message, value, `POST ${path}`)
      if (error || errorDetail) {
        const said = (errorDetail?.message || error || 'it failed, and the daemon does not say why').trim()
        const failure = new HttpFailure({ method: 'POST', path }, 200, said)
        throw refuse({ message: said, code: errorDetail?.code ?? undefined }, judge(failure))
      }
      yield rest
    }
  } catch (error) {
    if (isEngineError(error, 'internal') && error.cause instanceof HttpFailure && error.cause.status >= 500) throw judge(error.cause)
    throw error
  }
}

/** As `transfer`, for those who only want to know that it went well. Resolves with the last message that `keep` likes. */
export async function transferred(
  context: HttpContext,
  path: string,
  { onProgress, ...exchange }: Exchange & Pick<ProgressOptions, 'onProgress'>,
  keep: (message: Message) => boolean = () => false,
): Promise<Message | undefined> {
  let kept: Message | undefined
  for await (const one of transfer(context, path, exchange)) {
    if (keep(one)) kept = one
    const progress = onProgress === undefined ? undefined : toProgress(one)
    if (progress !== undefined) tell(onProgress, progress)
  }
  return kept
}

// Docker's and Podman's words (pkg/progress of moby), then pouchd's.
const phases: readonly (readonly [RegExp, TransferProgress['phase']])[] = [
  [/^(?:pulling from|trying to pull|resolving|the push refers to)/i, 'resolve'],
  [/^(?:pulling fs layer|waiting|downloading|retrying|copying|resolved)/i, 'download'],
  [/^(?:verifying checksum|download complete)/i, 'verify'],
  [/^(?:extracting|loading layer|importing|unpacking)/i, 'unpack'],
  [/^(?:preparing|pushing|uploading|committing)/i, 'upload'],
  [/^(?:pull complete|already exists|pushed|layer already exists|mounted from|done$|exists$|uploaded)/i, 'done'],
]
export function toProgress({ status, id, progressDetail }: Message): TransferProgress | undefined {
  const phase = phases.find(([words]) => words.test(status ?? ''))?.[1]
  if (phase === undefined) return undefined
  const { current, total } = progressDetail ?? {}
  const doneBytes = Math.max(0, current ?? 0)
  // Docker tells the size of what it has, and counts the bytes of the tar that it makes of it: more than all is no total.
  const totalBytes = total !== null && total !== undefined && total > 0 && total >= doneBytes ? total : undefined
  return { phase, layer: phase === 'resolve' ? undefined : (id ?? undefined), doneBytes, totalBytes }
}
