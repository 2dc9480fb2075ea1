// `GET /containers/{id}/top`: what `ps` says on the host.
import * as z from 'zod/mini'
import type { ProcessEntry } from '../../../model/process.js'

export interface TopAnswer {
  readonly Titles: readonly string[]
  readonly Processes?: readonly (readonly string[])[] | null | undefined
}
export const topAnswer: z.ZodMiniType<TopAnswer> = z.object({
  Titles: z.array(z.string()),
  Processes: z.nullish(z.array(z.array(z.string()))),
})

export function toProcesses({ Titles, Processes }: TopAnswer): readonly ProcessEntry[] {
  const column = (...names: readonly string[]): number => Titles.findIndex((title) => names.includes(title.toUpperCase()))
  const [pid, parent, uid, command] = [column('PID'), column('PPID'), column('UID', 'USER'), column('COMMAND', 'CMD', 'ARGS')]
  return (Processes ?? []).map((row) => ({
    pid: integer(row[pid]),
    parentPid: integer(row[parent]),
    uid: integer(row[uid]) ?? (row[uid] === 'root' ? 0 : -1),
    // `ps` joins arguments by blanks: which of them were in one cannot be told.
    command: (row[command] ?? '').split(' ').filter((word) => word !== ''),
  }))
}
function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}
