// What answers of daemons are made of.
import * as z from 'zod/mini'

/** Docker says `null` for what is empty, and leaves out what it does not know. */
export const nullish = <T extends z.ZodMiniType>(type: T): z.ZodMiniOptional<z.ZodMiniNullable<T>> => z.optional(z.nullable(type))
export const texts: z.ZodMiniType<readonly string[] | null | undefined> = nullish(z.array(z.string()))
export const textMap: z.ZodMiniType<Readonly<Record<string, string>> | null | undefined> = nullish(z.record(z.string(), z.string()))

/** Go's zero time is none. */
export function toDate(text: string | null | undefined): Date | undefined {
  if (text === null || text === undefined || text.startsWith('0001-01-01')) return undefined
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}
/** Seconds since 1970; pouchd says nanoseconds in places. */
export function toTime(value: number | null | undefined): Date | undefined {
  if (value === null || value === undefined || value <= 0) return undefined
  return new Date(value > 1e14 ? value / 1e6 : value * 1_000)
}
