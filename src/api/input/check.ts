// Checks what a user passes, and says in one line what is wrong with it.
import * as z from 'zod/mini'
import { EngineError } from '../../errors.js'

/** Made at its first use. */
export type Schema<T> = () => z.ZodMiniType<T>

/**
 * A checked copy of `value`; functions, signals, streams and bytes are passed on as they are. Throws `invalid_argument` with the
 * first problem's path in quotes; `cause` holds them all. Values are never in the message: they may be secrets.
 */
export function checkInput<T>(schema: Schema<T>, value: unknown, what: string): T {
  const result = z.safeParse(schema(), value, { reportInput: false })
  if (result.success) return result.data
  const [first] = result.error.issues
  const { path, problem } = first === undefined ? { path: [], problem: 'is malformed' } : explain(first)
  const name = formatPath(path)
  throw new EngineError('invalid_argument', name === '' ? `${what} ${problem}` : `${what}: "${name}" ${problem}`, { cause: result.error })
}

/** `checkInput` for a value that may be left out. */
export function checkOptional<T>(schema: Schema<T>, value: unknown, what: string): T | undefined {
  return value === undefined ? undefined : checkInput(schema, value, what)
}

type Issue = z.core.$ZodIssue
interface Problem {
  readonly path: readonly PropertyKey[]
  readonly problem: string
}

function explain(issue: Issue): Problem {
  const { path } = issue
  switch (issue.code) {
    case 'unrecognized_keys':
      return { path: [...path, issue.keys[0] ?? ''], problem: 'is not known' }
    case 'invalid_union':
      return explainUnion(issue)
    case 'invalid_key':
    case 'invalid_element': {
      const [inner] = issue.issues
      return { path, problem: inner === undefined ? 'is malformed' : `has a name that ${explain(inner).problem}` }
    }
    default:
      return { path, problem: explicit(issue) ?? inWords(issue) }
  }
}

/** The problem of the alternative that was meant, if one can be told: the one whose own type fitted. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion): Problem {
  const meant = issue.errors
    .map(([first]) => first)
    .find((first) => first !== undefined && (first.path.length > 0 || first.code === 'unrecognized_keys'))
  if (meant !== undefined && issue.errors.length > 0) {
    const inner = explain(meant)
    return { path: [...issue.path, ...inner.path], problem: inner.problem }
  }
  return { path: issue.path, problem: explicit(issue) ?? 'is none of what it may be' }
}

/** What the schema itself has to say. */
function explicit(issue: Issue): string | undefined {
  return issue.message === '' || issue.message === 'Invalid input' ? undefined : issue.message
}

function inWords(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'must be a whole number' : `must be ${article(issue.expected)}`
    case 'too_small':
      return atLimit(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum)
    case 'too_big':
      return atLimit(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum)
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`
    default:
      return 'is malformed'
  }
}

function atLimit(origin: string, limit: string, amount: number | bigint): string {
  if (origin === 'string') return `must have ${limit} ${amount} characters`
  if (origin === 'array') return `must have ${limit} ${amount} entries`
  return `must be ${limit} ${amount}`
}

function article(expected: string): string {
  if (expected === 'record' || expected === 'object') return 'an object'
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`
}

function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`))
    .join('')
    .slice(0, 200)
}
