// The schemas of `run`, `exec` and `spawn`.
import * as z from 'zod/mini'
import type { ExecSpec } from '../../model/exec.js'
import { once } from '../../util/once.js'
import type { CommandInput, RunOptions } from '../command.js'
import type { SpawnOptions } from '../exec.js'
import type { Schema } from './check.js'
import { callback, count, env, flag, isAsyncIterable, signalField, strict, text, texts, user } from './fields.js'

const commandInput: Schema<CommandInput> = once(() =>
  z.custom<CommandInput>(
    (value) => typeof value === 'string' || value instanceof Uint8Array || isAsyncIterable(value),
    'must be a text, bytes, or a stream of them',
  ),
)
const runFields = once(() => ({
  check: z.optional(flag()),
  stdin: z.optional(commandInput()),
  onOutput: z.optional(callback<NonNullable<RunOptions['onOutput']>>()),
  maxOutputBytes: z.optional(count()),
  discardOutput: z.optional(flag()),
  signal: signalField(),
}))
const processFields = once(() => ({
  env: z.optional(env()),
  user: z.optional(user()),
  workingDir: z.optional(text()),
  tty: z.optional(flag()),
  privileged: z.optional(flag()),
}))

export const runOptions: Schema<RunOptions> = once(() => strict<RunOptions>(runFields()))
/** Of `exec`: how to run it, and what of its output. */
export const execOptions: Schema<Omit<ExecSpec, 'command' | 'stdin'> & RunOptions> = once(() =>
  strict<Omit<ExecSpec, 'command' | 'stdin'> & RunOptions>({ ...processFields(), ...runFields() }),
)
export const spawnOptions: Schema<SpawnOptions> = once(() =>
  strict<SpawnOptions>({ ...processFields(), stdin: z.optional(flag()), signal: signalField() }),
)
export const execSpec: Schema<ExecSpec> = once(() =>
  strict<ExecSpec>({ command: command(), ...processFields(), stdin: z.optional(flag()) }),
)
/** A program and its arguments. */
export const command: Schema<readonly string[]> = once(() =>
  texts().check(
    z.refine((words) => words.length > 0, 'must have at least 1 entry'),
    z.refine((words) => words[0] !== '', 'must begin with a program'),
  ),
)
