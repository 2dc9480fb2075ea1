// The schemas of `container.files`.
import * as z from 'zod/mini'
import type { StatOptions, WriteFilesOptions } from '../../ports/backend/files.js'
import { once } from '../../util/once.js'
import type { ReadFileOptions, WriteFileOptions } from '../file-options.js'
import type { Schema } from './check.js'
import { count, flag, matching, permissions, signalField, strict } from './fields.js'

const owner: Schema<string> = once(() => matching((value) => /^\d{1,10}(?::\d{1,10})?$/.test(value), 'must be uid[:gid], as numbers'))

export const statOptions: Schema<StatOptions> = once(() => strict<StatOptions>({ followLinks: z.optional(flag()), signal: signalField() }))
export const readFileOptions: Schema<ReadFileOptions> = once(() =>
  strict<ReadFileOptions>({ maxBytes: z.optional(count()), signal: signalField() }),
)
export const writeFileOptions: Schema<WriteFileOptions> = once(() =>
  strict<WriteFileOptions>({ mode: z.optional(permissions()), owner: z.optional(owner()), signal: signalField() }),
)
export const writeFilesOptions: Schema<WriteFilesOptions> = once(() =>
  strict<WriteFilesOptions>({ owner: z.optional(owner()), keepTypes: z.optional(flag()), signal: signalField() }),
)
export const fileData: Schema<string | Uint8Array> = once(() =>
  z.custom<string | Uint8Array>((value) => typeof value === 'string' || value instanceof Uint8Array, 'must be a text or bytes'),
)
