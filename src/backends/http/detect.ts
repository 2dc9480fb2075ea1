// Finds out by asking who answers, and which version of the API to speak. The address says nothing: Podman listens at Docker's socket, too.
import * as z from 'zod/mini'
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { Headers, HttpCalls } from './calls.js'
import { type ApiVersion, apiAtLeast, formatApiVersion, parseApiVersion } from './api-version.js'
import type { DaemonFacts, Dialect, Greeting } from './dialect.js'
import { docker } from './dialects/docker.js'
import { podman } from './dialects/podman.js'
import { pouch } from './dialects/pouch.js'
import { parse } from './wire/parse.js'

export interface Met {
  readonly dialect: Dialect
  readonly facts: DaemonFacts
}

/** Docker's is the family's: who is neither of the others is read by its rules. */
const dialects: readonly Dialect[] = [podman, pouch, docker]
/** What this room was written for. A daemon that speaks newer ones is spoken to in this one. */
const newest: ApiVersion = { major: 1, minor: 52 }
const oldest: ApiVersion = { major: 1, minor: 24 }

/** Asks without a version in the path, which every daemon takes. */
export async function meet(calls: HttpCalls, options: CallOptions): Promise<Met> {
  const greeting = await greet(calls, options)
  const dialect = dialects.find((one) => one.isSpokenBy(greeting)) ?? docker
  const api = negotiate(greeting)
  const { Version } = parse(versionAnswer, greeting.version, 'GET /version')
  return { dialect, facts: { version: Version, api, versionAnswer: greeting.version, info: greeting.info } }
}

/** One after the other: so a connection that is costly, by ssh, is opened once. */
async function greet(calls: HttpCalls, options: CallOptions): Promise<Greeting> {
  const ask = async (path: string): Promise<Readonly<Record<string, unknown>>> =>
    parse(object, await calls.json('GET', path, options), `GET ${path}`)
  return { ping: await pinged(calls, options), version: await ask('/version'), info: await ask('/info') }
}

async function pinged(calls: HttpCalls, options: CallOptions): Promise<Headers> {
  try {
    const { headers, body } = await calls.bytes('GET', '/_ping', options)
    for await (const _ of body);
    return headers
  } catch (error) {
    if (isEngineError(error, 'not_found'))
      throw new EngineError('unsupported', 'what answers there is neither Docker, Podman nor pouchd', { cause: error })
    throw error
  }
}

/** The newest that both know. */
function negotiate({ ping, version }: Greeting): ApiVersion {
  const { ApiVersion, MinAPIVersion } = parse(versionAnswer, version, 'GET /version')
  const theirs = parseApiVersion(ping['api-version'] ?? ApiVersion ?? '')
  if (theirs === undefined)
    throw new EngineError('unsupported', 'the daemon tells no version of its API: it is neither Docker, Podman nor pouchd')
  const lowest = parseApiVersion(MinAPIVersion ?? '') ?? oldest
  const spoken = atLeast(newest, theirs) ? theirs : newest
  if (!atLeast(spoken, lowest) || !atLeast(spoken, oldest)) {
    throw new EngineError(
      'unsupported',
      `the daemon speaks version ${formatApiVersion(lowest)} to ${formatApiVersion(theirs)} of the API, this package ${formatApiVersion(oldest)} to ${formatApiVersion(newest)}`,
    )
  }
  return spoken
}
const atLeast = (api: ApiVersion, { major, minor }: ApiVersion): boolean => apiAtLeast(api, major, minor)

const object = z.record(z.string(), z.unknown())
const versionAnswer = z.object({ Version: z.string(), ApiVersion: z.optional(z.string()), MinAPIVersion: z.optional(z.string()) })
