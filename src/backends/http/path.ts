// Paths of the API, with what users name put in safely.
import { EngineError } from '../../errors.js'

/** `` path`/containers/${id}/json` ``. Each value is one segment: a slash or a question mark in it is escaped, and nothing leads out. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((text, part, index) => text + segment(values[index - 1] ?? '') + part)
}

/** As `path`, but a value keeps its slashes: names of images have some. */
export function pathWithSlashes(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((text, part, index) => text + (values[index - 1] ?? '').split('/').map(segment).join('/') + part)
}

/** A daemon would clean `.` and `..` away, and answer for another path. */
function segment(value: string): string {
  if (value === '' || value === '.' || value === '..') throw new EngineError('not_found', `nothing is called "${value}"`)
  return encodeURIComponent(value).replace(/%3A/g, ':').replace(/%40/g, '@')
}
