// The schemas of images.
import * as z from 'zod/mini'
import type { ImageConfig } from '../../model/image.js'
import type { BuildImageOptions } from '../build-options.js'
import type {
  BuildOptions,
  ImportOptions,
  ListImagesOptions,
  ProgressOptions,
  PruneImagesOptions,
  PullOptions,
  PushOptions,
  RemoveImageOptions,
  SaveOptions,
} from '../../ports/backend/images.js'
import { once } from '../../util/once.js'
import type { Schema } from './check.js'
import {
  auth,
  byteStream,
  callback,
  count,
  env,
  flag,
  labels,
  milliseconds,
  names,
  platform,
  signalField,
  strict,
  text,
  texts,
  word,
} from './fields.js'

const progressFields = once(() => ({
  onProgress: z.optional(callback<NonNullable<ProgressOptions['onProgress']>>()),
  signal: signalField(),
}))

export const imageConfig: Schema<ImageConfig> = once(() =>
  strict<ImageConfig>({
    entrypoint: z.optional(texts()),
    command: z.optional(texts()),
    env: z.optional(env()),
    workingDir: z.optional(text()),
    user: z.optional(text()),
    labels: z.optional(labels()),
    stopSignal: z.optional(word()),
    exposedPorts: z.optional(names()),
    volumes: z.optional(names()),
  }),
)
/** A name, an id, or the beginning of one; its grammar is looked at where it is used. */
export const imageRef: Schema<string> = word

export const progressOptions: Schema<ProgressOptions> = once(() => strict<ProgressOptions>(progressFields()))
export const pullOptions: Schema<PullOptions> = once(() =>
  strict<PullOptions>({ ...progressFields(), platform: z.optional(platform()), auth: z.optional(auth()) }),
)
export const pushOptions: Schema<PushOptions> = once(() =>
  strict<PushOptions>({ ...progressFields(), platform: z.optional(platform()), auth: z.optional(auth()) }),
)
export const importOptions: Schema<ImportOptions> = once(() =>
  strict<ImportOptions>({
    ...progressFields(),
    reference: z.optional(word()),
    config: z.optional(imageConfig()),
    platform: z.optional(platform()),
  }),
)
export const listImagesOptions: Schema<ListImagesOptions> = once(() =>
  strict<ListImagesOptions>({
    labels: z.optional(labels()),
    names: z.optional(names()),
    dangling: z.optional(flag()),
    signal: signalField(),
  }),
)
export const removeImageOptions: Schema<RemoveImageOptions> = once(() =>
  strict<RemoveImageOptions>({ force: z.optional(flag()), signal: signalField() }),
)
export const saveOptions: Schema<SaveOptions> = once(() =>
  strict<SaveOptions>({ format: z.optional(z.enum(['oci', 'docker'])), signal: signalField() }),
)
export const pruneImagesOptions: Schema<PruneImagesOptions> = once(() =>
  strict<PruneImagesOptions>({
    all: z.optional(flag()),
    olderThanMs: z.optional(milliseconds()),
    labels: z.optional(labels()),
    keepBytes: z.optional(count()),
    signal: signalField(),
  }),
)
export const buildContext: Schema<string | AsyncIterable<Uint8Array>> = once(() =>
  z.union([word(), byteStream()], 'must be the path of a directory or a tar'),
)
export const buildOptions: Schema<BuildImageOptions> = once(() =>
  strict<BuildImageOptions>({
    dockerfile: z.optional(word()),
    target: z.optional(word()),
    args: z.optional(env()),
    tags: z.optional(names()),
    platform: z.optional(platform()),
    cache: z.optional(flag()),
    labels: z.optional(labels()),
    pull: z.optional(flag()),
    auth: z.optional(z.record(z.string(), auth())),
    onStep: z.optional(callback<NonNullable<BuildOptions['onStep']>>()),
    onOutput: z.optional(callback<NonNullable<BuildOptions['onOutput']>>()),
    signal: signalField(),
  }),
)
