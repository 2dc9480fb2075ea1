// What `connect` accepts.
import * as z from 'zod/mini'
import { callback, flag, matching, names, signalField, strict, text } from '../api/input/fields.js'
import type { Schema } from '../api/input/check.js'
import type { TlsOptions } from '../backends/http/connect.js'
import type { Trace } from '../model/trace.js'
import { once } from '../util/once.js'
import type { EngineOptions } from './options.js'

type Registries = NonNullable<EngineOptions['registries']>
type RegistryHost = NonNullable<Registries['hosts']>[string]

const path: Schema<string> = once(() => matching((value) => value.startsWith('/') && !/[\0\n]/.test(value), 'must be an absolute path'))
const pem: Schema<string | Uint8Array> = once(() =>
  z.custom<string | Uint8Array>((value) => typeof value === 'string' || value instanceof Uint8Array, 'must be a text or bytes'),
)
const registryHost: Schema<RegistryHost> = once(() =>
  strict<RegistryHost>({ plainHttp: z.optional(flag()), ca: z.optional(text()), mirrors: z.optional(names()) }),
)
const tls: Schema<TlsOptions> = once(() =>
  strict<TlsOptions>({ ca: z.optional(pem()), cert: z.optional(pem()), key: z.optional(pem()), verify: z.optional(flag()) }).check(
    z.refine(({ cert, key }) => (cert === undefined) === (key === undefined), { path: ['cert'], error: 'and "key" need each other' }),
  ),
)

export const connectUrl: Schema<string> = text
export const connectOptions: Schema<EngineOptions> = once(() =>
  strict<EngineOptions>({
    root: z.optional(path()),
    tls: z.optional(tls()),
    registries: z.optional(strict<Registries>({ hosts: z.optional(z.record(z.string(), registryHost())) })),
    onTrace: z.optional(callback<Trace>()),
    signal: signalField(),
  }),
)
/** Of `containerd://PATH?namespace=NAME&root=PATH`. */
export const containerdParameters: Schema<{ readonly namespace?: string | undefined; readonly root?: string | undefined }> = once(() =>
  strict({
    namespace: z.optional(
      matching((value) => /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/.test(value), 'must be letters and digits, joined by "-", "_" or "."'),
    ),
    root: z.optional(path()),
  }),
)
