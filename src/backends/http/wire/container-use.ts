// size: schema
// What containers hold of other things: images, networks, volumes. Of `GET /containers/json`.
import * as z from 'zod/mini'
import type { CallOptions } from '../../../model/common.js'
import type { HttpContext } from '../context.js'
import { parse } from './parse.js'
import { nullish, texts } from './values.js'

export interface EndpointAnswer {
  readonly EndpointID?: string | null | undefined
  readonly NetworkID?: string | null | undefined
  readonly Aliases?: readonly string[] | null | undefined
  readonly MacAddress?: string | null | undefined
  readonly IPAddress?: string | null | undefined
  readonly IPPrefixLen?: number | null | undefined
  readonly Gateway?: string | null | undefined
  readonly GlobalIPv6Address?: string | null | undefined
  readonly GlobalIPv6PrefixLen?: number | null | undefined
  readonly IPv6Gateway?: string | null | undefined
}
export const endpointAnswer: z.ZodMiniType<EndpointAnswer> = z.object({
  EndpointID: nullish(z.string()),
  NetworkID: nullish(z.string()),
  Aliases: texts,
  MacAddress: nullish(z.string()),
  IPAddress: nullish(z.string()),
  IPPrefixLen: nullish(z.number()),
  Gateway: nullish(z.string()),
  GlobalIPv6Address: nullish(z.string()),
  GlobalIPv6PrefixLen: nullish(z.number()),
  IPv6Gateway: nullish(z.string()),
})

export interface ContainerUse {
  readonly id: string
  readonly names: readonly string[]
  readonly running: boolean
  readonly imageId: string
  /** By the name of the network. */
  readonly networks: Readonly<Record<string, EndpointAnswer>>
  readonly volumes: readonly string[]
}
const listed = z.nullable(
  z.array(
    z.object({
      Id: z.string(),
      Names: texts,
      State: nullish(z.string()),
      Status: nullish(z.string()),
      ImageID: nullish(z.string()),
      NetworkSettings: nullish(z.object({ Networks: nullish(z.record(z.string(), z.nullable(endpointAnswer))) })),
      Mounts: nullish(z.array(z.object({ Type: nullish(z.string()), Name: nullish(z.string()) }))),
    }),
  ),
)

/** Of all containers, stopped ones too: it is from them that we tell who uses what, since Docker forgets those that do not run. */
export async function containerUses({ calls }: Pick<HttpContext, 'calls'>, { signal }: CallOptions = {}): Promise<readonly ContainerUse[]> {
  const answer = parse(listed, await calls.json('GET', '/containers/json', { query: { all: true }, signal }), 'GET /containers/json')
  return (answer ?? []).map(({ Id, Names, State, Status, ImageID, NetworkSettings, Mounts }) => ({
    id: Id,
    names: (Names ?? []).map((name) => name.replace(/^\//, '')),
    // pouchd has only the other one: `Up 3 minutes`, `Up 3 minutes (paused)`.
    running: State ? State.toLowerCase() === 'running' : /^up\b(?!.*\(paused\))/i.test(Status ?? ''),
    imageId: ImageID ?? '',
    networks: withoutNulls(NetworkSettings?.Networks ?? {}),
    volumes: (Mounts ?? []).flatMap(({ Type, Name }) => (Name && (Type ?? 'volume') !== 'bind' ? [Name] : [])),
  }))
}
function withoutNulls<T extends object>(record: Readonly<Record<string, T | null>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).filter((entry): entry is [string, T] => entry[1] !== null))
}
