// The rules of a `.dockerignore`: Go's filepath.Match with `**`, and `!` for exceptions; the last rule that matches wins.
import { posix } from 'node:path'
import { EngineError } from '../errors.js'

export interface IgnoreRule {
  /** Cleaned, without the mark of an exception. */
  readonly pattern: string
  readonly exception: boolean
  readonly matches: RegExp
}

export function parseIgnore(text: string): readonly IgnoreRule[] {
  const rules: IgnoreRule[] = []
  for (const [at, line] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    // A comment begins at the very beginning of a line.
    const trimmed = line.startsWith('#') ? '' : line.trim()
    if (trimmed === '') continue
    const exception = trimmed.startsWith('!')
    const pattern = exception ? trimmed.slice(1).trim() : trimmed
    if (pattern === '') throw new EngineError('invalid_argument', `".dockerignore" has an exception of nothing in line ${at + 1}`)
    rules.push(ignoreRule(pattern, exception))
  }
  return rules
}

export function ignoreRule(given: string, exception: boolean): IgnoreRule {
  const cleaned = posix.normalize(given).replace(/(?<=.)\/$/, '')
  const pattern = cleaned.length > 1 ? cleaned.replace(/^\//, '') : cleaned
  try {
    return { pattern, exception, matches: new RegExp(`^${toSource(pattern)}$`, 's') }
  } catch (error) {
    throw new EngineError('invalid_argument', `".dockerignore" has a malformed pattern: ${JSON.stringify(given)}`, { cause: error })
  }
}

/** Whether a path below the context, without a slash before it, is left out: a rule that matches a directory matches all that is in it. */
export function isIgnored(rules: readonly IgnoreRule[], path: string): boolean {
  const parts = path.split('/')
  const paths = parts.map((_, at) => parts.slice(0, at + 1).join('/'))
  let ignored = false
  // Only a rule that would change the answer is looked at.
  for (const { exception, matches } of rules) if (exception === ignored && paths.some((one) => matches.test(one))) ignored = !exception
  return ignored
}

/** Whether an exception may bring back something in a directory that is left out. As Docker has it, only by the letter: no wildcard is thought of. */
export function mayHoldExceptions(rules: readonly IgnoreRule[], directory: string): boolean {
  return rules.some(({ exception, pattern }) => exception && `${pattern}/`.startsWith(`${directory}/`))
}

function toSource(pattern: string): string {
  let source = ''
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] as string
    if (char === '*' && pattern[at + 1] === '*') {
      at += 1
      if (pattern[at + 1] === '/') at += 1
      source += at + 1 >= pattern.length ? '.*' : '(?:.*/)?'
    } else if (char === '*') source += '[^/]*'
    else if (char === '?') source += '[^/]'
    else if (char === '[') {
      const end = classEnd(pattern, at)
      source += classSource(pattern.slice(at + 1, end))
      at = end
    } else if (char === '\\') {
      at += 1
      source += escaped(pattern[at] ?? '\\')
    } else source += escaped(char)
  }
  return source
}
function classEnd(pattern: string, from: number): number {
  for (let at = from + 1; at < pattern.length; at += 1) {
    if (pattern[at] === '\\') at += 1
    else if (pattern[at] === ']' && at > from + 1) return at
  }
  throw new SyntaxError('a class has no end')
}
function classSource(inner: string): string {
  const negated = inner.startsWith('^')
  return `[${negated ? '^/' : ''}${inner.slice(negated ? 1 : 0).replace(/[[\]]/g, '\\$&')}]`
}
function escaped(char: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char
}
