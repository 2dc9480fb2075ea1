// Recorded answers, with nothing changed but what they are about.
import assert from 'node:assert/strict'
import { answerOf, type Recorded, recordings } from '../replay.js'
import type { Wire } from '../scripted-daemon.js'

const areas = ['system', 'life', 'exec', 'attach', 'logs', 'images', 'events', 'pouch-own'] as const
type Find = (exchange: string) => Recorded
const older: Readonly<Record<string, Find>> = Object.fromEntries(
  await Promise.all(areas.map(async (area) => [area, await recordings(`pouchd-1.3.0-${area}`)] as const)),
)
const newer: Readonly<Record<'system' | 'life', Find>> = {
  system: await recordings('pouchd-1.3.1-system'),
  life: await recordings('pouchd-1.3.1-life'),
}

/** By area and name. What changed with 1.3.1 was recorded of it; the rest was recorded of 1.3.0, and is the same in both. */
export function recorded(area: (typeof areas)[number], exchange: string): Recorded {
  const find = older[area]
  assert(find !== undefined)
  return find(exchange)
}
export const recordedNewer: typeof newer = newer

/** The ids and names of what was recorded, in place of which those of what is asked about stand. */
export type Names = Readonly<Record<string, string>>

export function renamed({ body, ...rest }: Recorded, names: Names): Recorded {
  let text = JSON.stringify(body)
  for (const [from, to] of Object.entries(names)) text = text.replaceAll(from, JSON.stringify(to).slice(1, -1))
  return { ...rest, body: JSON.parse(text) as unknown }
}
export async function tell(wire: Wire, answer: Recorded): Promise<void> {
  await wire.write(...answerOf(answer))
}
/** As it was recorded, about something else. */
export async function tellBody(wire: Wire, answer: Recorded, body: unknown): Promise<void> {
  await tell(wire, { ...answer, body })
}
