// The schemas of options of the verbs of containers.
import * as z from 'zod/mini'
import type { CallOptions } from '../../model/common.js'
import type { Protocol } from '../../model/network.js'
import type {
  AttachOptions,
  ListContainersOptions,
  RemoveOptions,
  StartOptions,
  StatsOptions,
  StopOptions,
  WaitOptions,
} from '../../ports/backend/containers.js'
import type { CheckpointOptions, CommitOptions, UpgradeOptions } from '../../ports/backend/container-images.js'
import type { LogOptions } from '../../ports/streams.js'
import { once } from '../../util/once.js'
import type { Schema } from './check.js'
import { count, date, flag, labels, milliseconds, names, positive, signalField, strict, text, texts } from './fields.js'
import { imageConfig } from './image.js'

export const listContainersOptions: Schema<ListContainersOptions> = once(() =>
  strict<ListContainersOptions>({
    all: z.optional(flag()),
    labels: z.optional(labels()),
    names: z.optional(names()),
    status: z.optional(z.array(z.enum(['created', 'running', 'paused', 'exited']))),
    signal: signalField(),
  }),
)
export const attachOptions: Schema<AttachOptions> = once(() => strict<AttachOptions>({ stdin: z.optional(flag()), signal: signalField() }))
export const startOptions: Schema<StartOptions> = once(() =>
  strict<StartOptions>({
    attach: z.optional(strict<NonNullable<StartOptions['attach']>>({ stdin: flag() })),
    signal: signalField(),
  }),
)
export const stopOptions: Schema<StopOptions> = once(() =>
  strict<StopOptions>({ graceMs: z.optional(milliseconds()), signal: signalField() }),
)
export const waitOptions: Schema<WaitOptions> = once(() =>
  strict<WaitOptions>({
    until: z.optional(z.enum(['exit', 'next-exit', 'removed'])),
    signal: signalField(),
  }),
)
export const removeOptions: Schema<RemoveOptions> = once(() =>
  strict<RemoveOptions>({
    force: z.optional(flag()),
    volumes: z.optional(flag()),
    signal: signalField(),
  }),
)
export const statsOptions: Schema<StatsOptions> = once(() =>
  strict<StatsOptions>({ intervalMs: z.optional(positive()), signal: signalField() }),
)
export const logOptions: Schema<LogOptions> = once(() =>
  strict<LogOptions>({
    follow: z.optional(flag()),
    since: z.optional(date()),
    until: z.optional(date()),
    tail: z.optional(count()),
    streams: z.optional(z.array(z.enum(['stdout', 'stderr']))),
    signal: signalField(),
  }),
)
export const commitOptions: Schema<CommitOptions> = once(() =>
  strict<CommitOptions>({
    author: z.optional(text()),
    comment: z.optional(text()),
    config: z.optional(imageConfig()),
    pause: z.optional(flag()),
    signal: signalField(),
  }),
)
export const upgradeOptions: Schema<UpgradeOptions> = once(() =>
  strict<UpgradeOptions>({
    healthyWithinMs: z.optional(milliseconds()),
    entrypoint: z.optional(texts()),
    command: z.optional(texts()),
    signal: signalField(),
  }),
)
export const checkpointOptions: Schema<CheckpointOptions> = once(() =>
  strict<CheckpointOptions>({
    leaveRunning: z.optional(flag()),
    labels: z.optional(labels()),
    signal: signalField(),
  }),
)
type PublishedPortOptions = CallOptions & { readonly protocol?: Protocol | undefined }
export const publishedPortOptions: Schema<PublishedPortOptions> = once(() =>
  strict<PublishedPortOptions>({ protocol: z.optional(z.enum(['tcp', 'udp', 'sctp'])), signal: signalField() }),
)
