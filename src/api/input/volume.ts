// The schemas of volumes.
import * as z from 'zod/mini'
import type { VolumeSpec } from '../../model/volume.js'
import type { ListVolumesOptions, PruneVolumesOptions } from '../../ports/backend/volumes.js'
import { once } from '../../util/once.js'
import type { Schema } from './check.js'
import { flag, labels, name, names, signalField, strict, word } from './fields.js'

export const volumeSpec: Schema<VolumeSpec> = once(() =>
  strict<VolumeSpec>({
    name: z.optional(name()),
    driver: z.optional(word()),
    labels: z.optional(labels()),
    options: z.optional(labels()),
  }),
)
export const listVolumesOptions: Schema<ListVolumesOptions> = once(() =>
  strict<ListVolumesOptions>({ labels: z.optional(labels()), names: z.optional(names()), signal: signalField() }),
)
export const pruneVolumesOptions: Schema<PruneVolumesOptions> = once(() =>
  strict<PruneVolumesOptions>({ all: z.optional(flag()), labels: z.optional(labels()), signal: signalField() }),
)
