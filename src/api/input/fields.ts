// The pieces that schemas of user input are made of.
import { isIP } from 'node:net'
import * as z from 'zod/mini'
import type { CallOptions, DriverOptions, JsonValue, Labels } from '../../model/common.js'
import type { RegistryAuth } from '../../model/image.js'
import type { Signal, TerminalSize } from '../../model/process.js'
import { once } from '../../util/once.js'
import type { Schema } from './check.js'

/** A schema for each field. */
export type Shape<T> = { readonly [K in keyof T]-?: z.ZodMiniType<T[K]> }
/** An object with exactly the fields of `T`: the compiler refuses a schema that forgets one or has one more, the schema a value that has. */
export function strict<T extends object>(shape: Shape<T>): z.ZodMiniType<T> {
  return z.strictObject(shape as z.core.$ZodShape) as unknown as z.ZodMiniType<T>
}

/** Objects told apart by the field `key`: the message is about the one that was meant. */
export function oneOf<T extends object>(key: keyof T & string, options: readonly z.ZodMiniType<T>[], problem: string): z.ZodMiniType<T> {
  return z.discriminatedUnion(key, options as unknown as [z.ZodMiniObject], problem) as unknown as z.ZodMiniType<T>
}

export function matching(test: (text: string) => boolean, problem: string): z.ZodMiniType<string> {
  return z.string().check(z.refine(test, problem))
}

const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$/

export const text: Schema<string> = once(() => matching((value) => !value.includes('\0'), 'must not contain a NUL character'))
export const word: Schema<string> = once(() => matching((value) => value !== '' && !/[\0\n]/.test(value), 'must be a text of one line'))
/** Of containers, networks and volumes. */
export const name: Schema<string> = once(() =>
  matching(
    (value) => value.length <= 255 && /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(value),
    'must begin with a letter or digit and go on with those, "_", "." or "-"',
  ),
)
export const absolutePath: Schema<string> = once(() =>
  matching((value) => value.startsWith('/') && !value.includes('\0'), 'must be an absolute path'),
)
export const texts: Schema<readonly string[]> = once(() => z.array(text()))
export const names: Schema<readonly string[]> = once(() => z.array(word()))
export const flag: Schema<boolean> = once(() => z.boolean())
export const count: Schema<number> = once(() => wholeNumber(0))
export const positive: Schema<number> = once(() => wholeNumber(1))
export const bytes: Schema<number> = positive
export const milliseconds: Schema<number> = once(() => z.number().check(z.gte(0), z.lte(2 ** 40)))
export const permissions: Schema<number> = once(() => wholeNumber(0, 0o7777))
export const date: Schema<Date> = once(() =>
  z.custom<Date>((value) => value instanceof Date && !Number.isNaN(value.getTime()), 'must be a valid Date'),
)

export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): z.ZodMiniType<number> {
  return z.number().check(z.int(), z.gte(least), z.lte(most))
}

const label: Schema<string> = once(() => matching((key) => key !== '' && !key.includes('\0'), 'must not be empty'))
const variable: Schema<string> = once(() => matching((key) => key !== '' && !/[=\0]/.test(key), 'must not be empty or contain "="'))
const textOrNull: Schema<string | null> = once(() =>
  z.union([text(), z.null()], 'must be a text without a NUL character, or null to take it away'),
)
export const labels: Schema<Labels> = once(() => z.record(label(), text()))
export const env: Schema<Readonly<Record<string, string>>> = once(() => z.record(variable(), text()))
/** In a change; `null` takes one away. */
export const changedLabels: Schema<Readonly<Record<string, string | null>>> = once(() => z.record(label(), textOrNull()))
export const changedEnv: Schema<Readonly<Record<string, string | null>>> = once(() => z.record(variable(), textOrNull()))
export const driverOptions: Schema<DriverOptions> = once(() =>
  z.record(word(), z.union([z.string(), z.number(), z.boolean()], 'must be a text, a number or a boolean')),
)
export const json: Schema<JsonValue> = once(() => z.custom<JsonValue>((value) => isJson(value, 0), 'must be plain JSON'))

export const signalName: Schema<Signal> = once(() =>
  z.custom<Signal>(
    (value) => typeof value === 'string' && /^SIG(?:[A-Z]{2,6}[12]?|RTMIN(?:\+\d{1,2})?|RTMAX(?:-\d{1,2})?|\d{1,2})$/.test(value),
    'must be a signal such as "SIGTERM"',
  ),
)
export const user: Schema<string> = once(() => matching((value) => /^[^:\0\n]*(?::[^:\0\n]+)?$/.test(value), 'must be user[:group]'))
export const platform: Schema<string> = once(() =>
  matching((value) => /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+){0,2}$/.test(value), 'must be os/arch[/variant]'),
)
export const hostName: Schema<string> = once(() => matching(isHostName, 'must be a host name'))
export const ip: Schema<string> = once(() => matching((value) => isIP(value) !== 0, 'must be an IP address'))
export const ipv4: Schema<string> = once(() => matching((value) => isIP(value) === 4, 'must be an IPv4 address'))
export const ipv6: Schema<string> = once(() => matching((value) => isIP(value) === 6, 'must be an IPv6 address'))
export const cidr: Schema<string> = once(() => matching(isCidr, 'must be a subnet such as "10.4.0.0/24"'))
export const mac: Schema<string> = once(() => matching((value) => /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(value), 'must be a MAC address'))

/** Of every options object. */
export const signalField: Schema<AbortSignal | undefined> = once(() =>
  z.optional(z.custom<AbortSignal>(isAbortSignal, 'must be an AbortSignal')),
)
export const callOptions: Schema<CallOptions> = once(() => strict<CallOptions>({ signal: signalField() }))

/** Called by us, so its type cannot be looked into. */
export function callback<T>(): z.ZodMiniType<T> {
  return z.custom<T>((value) => typeof value === 'function', 'must be a function')
}

export const auth: Schema<RegistryAuth> = once(() =>
  z.union(
    [
      strict<{ readonly username: string; readonly password: string }>({ username: text(), password: z.string() }),
      strict<{ readonly identityToken: string }>({ identityToken: z.string() }),
      strict<{ readonly registryToken: string }>({ registryToken: z.string() }),
    ],
    'must have "username" and "password", or "identityToken", or "registryToken"',
  ),
)
export const terminalSize: Schema<TerminalSize> = once(() =>
  strict<TerminalSize>({ columns: wholeNumber(1, 65_535), rows: wholeNumber(1, 65_535) }),
)

/** A tar, an archive, a layer: Node's readable streams and web streams are such, too. */
export const byteStream: Schema<AsyncIterable<Uint8Array>> = once(() =>
  z.custom<AsyncIterable<Uint8Array>>(isAsyncIterable, 'must be a stream of bytes'),
)

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

export function isHostName(value: string): boolean {
  return value.length <= 253 && HOST_NAME.test(value)
}

/** By shape: a signal of another realm or a polyfill is one as well. */
function isAbortSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
}

function isCidr(value: string): boolean {
  const [address = '', prefix = '', ...rest] = value.split('/')
  const version = isIP(address)
  return rest.length === 0 && version !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
}

function isJson(value: unknown, depth: number): boolean {
  if (depth > 64) return false
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (Array.isArray(value)) return value.every((entry) => isJson(entry, depth + 1))
  const plain = typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value))
  return plain && Object.values(value as object).every((entry) => isJson(entry, depth + 1))
}
