import { Engine } from './api/engine.js'
import { thisMachine } from './connect/environment.js'
import { openBackend } from './connect/open.js'
import type { EngineOptions } from './connect/options.js'

export type { EngineOptions } from './connect/options.js'

/**
 * An engine by its URL, which starts nothing: `containerd:///SOCKET?namespace=NAME` (the namespace is `pouch-sdk` unless it is named),
 * `unix:///SOCKET`, `tcp:`, `ssh:`, `npipe:`, `http:` and `https:` for Docker, Podman and pouchd, found out by asking, and `local:///ROOT` for none.
 * Without one: `POUCH_SDK_URL`, `POUCH_HOST` or `DOCKER_HOST` if set, else the first that can be used of the current Docker context, the sockets
 * of pouchd, Docker, Podman and containerd, an engine without a daemon below `<root>/local`, and a private containerd that is started below
 * `<root>/embedded` and ends with this process.
 * Throws `unavailable` when there is none, naming all that was tried.
 */
export async function connect(url?: string, options?: EngineOptions): Promise<Engine> {
  return new Engine(await openBackend(thisMachine, url, options))
}
