// The shape of every suite: cases as data, so that what a subject cannot do is known before, and nothing else is skipped.
import type { Closeable } from '../model/common.js'

/** What every runner has. `skip` takes the reason, and CI prints them all. */
export interface TestApi {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void>): unknown
  skip(name: string, reason: string): unknown
}
export interface Case<Subject, Capability extends string> {
  /** A sentence in the present tense that can be false. */
  readonly title: string
  /** Without it the subject must answer as `otherwise` says: a missing capability is tested, too. */
  readonly needs?: Capability | undefined
  /** What the place of the suite must have for either answer to be seen: without it the case is skipped. */
  readonly place?: Capability | undefined
  run(subject: Subject): Promise<void>
  otherwise?(subject: Subject): Promise<void>
}
export interface Implementation<Subject, Capability extends string> {
  readonly name: string
  open(): Promise<{ readonly subject: Subject } & Closeable>
  /** The only thing that may skip a case. */
  supports(capability: Capability): boolean
}

/** All of them are seen only where the place has that. */
export function placed<One extends Case<never, string>>(place: NonNullable<One['place']>, cases: readonly One[]): readonly One[] {
  return cases.map((one) => ({ ...one, place: one.place ?? place }))
}

const refusal = ' (refused)'
/** Whether the title of a test is that of a case whose capability is missing. */
export function isRefusal(title: string): boolean {
  return title.endsWith(refusal)
}

/** Throws when no case would run: a suite that tests nothing fails. */
export function defineSuite<Subject, Capability extends string>(
  port: string,
  cases: readonly Case<Subject, Capability>[],
  { name, open, supports }: Implementation<Subject, Capability>,
  { describe, it, skip }: TestApi,
): void {
  const has = (capability: Capability | undefined): boolean => capability === undefined || supports(capability)
  const planned = cases.map((one) => {
    if (!has(one.place)) return { one, body: undefined, lacks: one.place }
    return has(one.needs) ? { one, body: one.run, lacks: undefined } : { one, body: one.otherwise, lacks: one.needs }
  })
  if (!planned.some(({ body }) => body !== undefined)) throw new Error(`${name}: ${port}: no case runs`)
  describe(`${name}: ${port}`, () => {
    for (const { one, body, lacks } of planned) {
      if (body === undefined) {
        skip(one.title, `no ${String(lacks)}`)
        continue
      }
      it(body === one.run ? one.title : one.title + refusal, async () => {
        await using opened = await open()
        await body.call(one, opened.subject)
      })
    }
  })
}

/** What a stream brings, in a list. `Array.fromAsync` is not in Node 20. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
