// A configuration as the instructions of a Dockerfile: how daemons take changes of one.
import { EngineError } from '../../../errors.js'
import type { ImageConfig } from '../../../model/image.js'
import { type HttpContext, unsupported } from '../context.js'

/** One a line. What instructions cannot say is refused. */
export function toInstructions(context: Pick<HttpContext, 'name' | 'dialect'>, config: ImageConfig = {}): readonly string[] {
  const { entrypoint, command, env = {}, workingDir, user, labels = {}, stopSignal, exposedPorts = [], volumes = [] } = config
  if (stopSignal !== undefined) throw unsupported(context.name, '"config.stopSignal" of an image that is not built')
  const { pair, plain } = context.dialect.resources.readsInstructions ? written : literal
  const lines = [
    ...(entrypoint === undefined ? [] : [`ENTRYPOINT ${JSON.stringify(entrypoint)}`]),
    ...(command === undefined ? [] : [`CMD ${JSON.stringify(command)}`]),
    ...Object.entries(env).map(([key, value]) => `ENV ${pair(key, value)}`),
    ...Object.entries(labels).map(([key, value]) => `LABEL ${pair(key, value)}`),
    ...(workingDir === undefined ? [] : [`WORKDIR ${plain(workingDir)}`]),
    ...(user === undefined ? [] : [`USER ${plain(user)}`]),
    ...exposedPorts.map((port) => `EXPOSE ${plain(port)}`),
    ...(volumes.length === 0 ? [] : [`VOLUME ${JSON.stringify(volumes)}`]),
  ]
  if (lines.some((line) => /[\n\r]/.test(line)))
    throw new EngineError('invalid_argument', `the ${context.name} backend takes no line breaks in "config"`)
  return lines
}

interface Writer {
  pair(key: string, value: string): string
  plain(text: string): string
}
/** As a Dockerfile has it: a dollar would be looked up in the environment. */
const written: Writer = {
  pair: (key, value) => `${/^[\w.-]+$/.test(key) ? key : quoted(key)}=${quoted(value)}`,
  plain: (text) => text.replace(/[\\$]/g, '\\$&'),
}
/** Only the outermost quotes are taken away. */
const literal: Writer = {
  pair: (key, value) => `${key}="${value}"`,
  plain: (text) => text,
}
function quoted(text: string): string {
  return `"${written.plain(text).replace(/"/g, '\\"')}"`
}
