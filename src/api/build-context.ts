// A directory as the context of a build.
import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { CallOptions } from '../model/common.js'
import { type IgnoreRule, ignoreRule, isIgnored, mayHoldExceptions, parseIgnore } from './dockerignore.js'
import { packTree } from './tar-in.js'

/**
 * Without what its `.dockerignore` says. The Dockerfile and that file are always sent, since the daemon reads them. Links stay links; sockets, fifos
 * and devices are left out; all belongs to root.
 */
export async function* packContext(
  directory: string,
  dockerfile: string,
  { signal }: CallOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const rules = [...(await readRules(directory, signal))]
  for (const needed of ['.dockerignore', posix.normalize(dockerfile)])
    if (isIgnored(rules, needed)) rules.push(ignoreRule(literally(needed), true))
  yield* packTree(directory, '.', {
    signal,
    choose(path, isDirectory) {
      if (!isIgnored(rules, path)) return 'take'
      return isDirectory && mayHoldExceptions(rules, path) ? 'enter' : 'leave'
    },
  })
}

async function readRules(directory: string, signal: AbortSignal | undefined): Promise<readonly IgnoreRule[]> {
  try {
    return parseIgnore(await readFile(join(directory, '.dockerignore'), { encoding: 'utf8', signal }))
  } catch (error) {
    signal?.throwIfAborted()
    // Also when the directory itself is not there: whoever packs it says so.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
function literally(name: string): string {
  return name.replace(/[*?[\\]/g, '\\$&')
}
