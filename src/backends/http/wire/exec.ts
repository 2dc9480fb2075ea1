// `GET /exec/{id}/json`.
import * as z from 'zod/mini'
import type { ExecSpec } from '../../../model/exec.js'

export interface ExecAnswer {
  readonly Running?: boolean | null | undefined
  readonly ExitCode?: number | null | undefined
  readonly Pid?: number | null | undefined
  readonly ContainerID?: string | null | undefined
  readonly OpenStdin?: boolean | null | undefined
  readonly ProcessConfig?:
    | {
        readonly tty?: boolean | null | undefined
        readonly entrypoint?: string | null | undefined
        readonly arguments?: readonly string[] | null | undefined
        readonly privileged?: boolean | null | undefined
        readonly user?: string | null | undefined
      }
    | null
    | undefined
}
const flag = z.nullish(z.boolean())
export const execAnswer: z.ZodMiniType<ExecAnswer> = z.object({
  Running: flag,
  ExitCode: z.nullish(z.number()),
  Pid: z.nullish(z.number()),
  ContainerID: z.nullish(z.string()),
  OpenStdin: flag,
  ProcessConfig: z.nullish(
    z.object({
      tty: flag,
      entrypoint: z.nullish(z.string()),
      arguments: z.nullish(z.array(z.string())),
      privileged: flag,
      user: z.nullish(z.string()),
    }),
  ),
})
export const createExecAnswer: z.ZodMiniType<{ readonly Id: string }> = z.object({ Id: z.string() })

/** Environment and working directory are not told. */
export function toExecSpec({ ProcessConfig, OpenStdin }: ExecAnswer): ExecSpec {
  const { tty, entrypoint, arguments: rest, privileged, user } = ProcessConfig ?? {}
  return {
    command: [entrypoint ?? '', ...(rest ?? [])],
    ...(user !== undefined && user !== null && user !== '' && { user }),
    ...(tty === true && { tty }),
    ...(OpenStdin === true && { stdin: true }),
    ...(privileged === true && { privileged }),
  }
}
