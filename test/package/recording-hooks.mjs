// Module hooks that write every URL an import resolves to into a file, before that import goes on.
import { appendFileSync } from 'node:fs'

let path

export function initialize(data) {
  path = data.path
}
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context)
  appendFileSync(path, `${resolved.url}\n`)
  return resolved
}
