import type { Exchange, Method } from './calls.js'
import type { HttpContext } from './context.js'

/** For what a daemon does and has nothing to tell of: Podman says a line break or `OK`, Docker nothing, and nobody wants to know. */
export async function act({ calls }: Pick<HttpContext, 'calls'>, method: Method, path: string, exchange?: Exchange): Promise<void> {
  const { body } = await calls.bytes(method, path, exchange)
  for await (const _ of body);
}
