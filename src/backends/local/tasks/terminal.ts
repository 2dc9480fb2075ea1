// A terminal for what runs in the foreground: Node can make none, the `script` of util-linux can. The runtime makes the one that the
// process sees, and copies between the two.
import { readlink } from 'node:fs/promises'
import type { CallOptions, Labels } from '../../../model/common.js'
import type { TerminalSize } from '../../../model/process.js'
import { requireProgram, runProgram } from '../../host/programs.js'
import { readSmall } from '../../host/small-files.js'
import type { Command } from './launch.js'

const wordName = (index: number): string => `POUCH_SDK_WORD_${index}`

/** `script` takes a text for a shell. So the text only counts, and the words come by the environment. Pure. */
export function terminalCommand(script: string, { file, args }: Command): Command & { readonly env: Labels } {
  const words = [file, ...args]
  const text = `exec ${words.map((_, index) => `"$${wordName(index)}"`).join(' ')}`
  return {
    file: script,
    args: ['--quiet', '--return', '--flush', '--command', text, '/dev/null'],
    env: { SHELL: '/bin/sh', ...Object.fromEntries(words.map((word, index) => [wordName(index), word])) },
  }
}
export async function inTerminal(command: Command): Promise<Command & { readonly env: Labels }> {
  return terminalCommand(await requireProgram('script'), command)
}

/** Both of them: a runtime that has just started still copies the size of its own. */
export async function resizeTerminalOf(pid: number, size: TerminalSize, options: CallOptions): Promise<void> {
  const [, runtime] = /\) \S (\d+) /.exec(statOf(pid)) ?? []
  for (const one of [Number(runtime ?? 0), pid]) if (one > 1) await resizeOf(one, size, options)
}
/** A process that has no terminal, or has let go of it, is passed over. */
async function resizeOf(pid: number, { columns, rows }: TerminalSize, options: CallOptions): Promise<void> {
  for (const descriptor of [0, 1, 2]) {
    const path = `/proc/${pid}/fd/${descriptor}`
    const target = await readlink(path).catch(() => '')
    if (!/^\/dev\/(pts\/\d+|console|tty\w*)$/.test(target)) continue
    await runProgram('stty', ['-F', path, 'cols', String(columns), 'rows', String(rows)], options)
    return
  }
}
function statOf(pid: number): string {
  try {
    return readSmall(`/proc/${pid}/stat`) ?? ''
  } catch {
    return '' // it ended while it was read
  }
}
