// The schemas of what the engine as a whole is asked for.
import * as z from 'zod/mini'
import type { DaemonChange } from '../../model/system.js'
import type { EventsOptions } from '../../ports/backend/system.js'
import { once } from '../../util/once.js'
import type { Schema } from './check.js'
import { date, flag, labels, names, signalField, strict, word } from './fields.js'

export const eventsOptions: Schema<EventsOptions> = once(() =>
  strict<EventsOptions>({
    types: z.optional(z.array(z.enum(['container', 'exec', 'image', 'network', 'volume', 'engine']))),
    actions: z.optional(names()),
    subjects: z.optional(names()),
    labels: z.optional(labels()),
    since: z.optional(z.union([word(), date()], 'must be a cursor or a Date')),
    follow: z.optional(flag()),
    signal: signalField(),
  }),
)

export const daemonChange: Schema<DaemonChange> = once(() => strict<DaemonChange>({ labels: z.optional(labels()) }))
