// Several engines on one root as one backend: each call goes to the next of them, so that what one has made another starts, waits
// for and removes. Further processes are known to the engine that made them, so their calls stay with the first.
import type { Backend } from '../../src/ports/backend/backend.js'
import { closeable } from '../../src/util/closeable.js'

export function rotatingBackend(backends: readonly [Backend, ...Backend[]]): Backend {
  const [first] = backends
  let turn = 0
  const next = (): Backend => backends[turn++ % backends.length] ?? first
  const rotating = <
    K extends 'containers' | 'control' | 'streams' | 'containerImages' | 'files' | 'images' | 'networks' | 'volumes' | 'system',
  >(
    service: K,
  ): Backend[K] =>
    new Proxy(first[service], {
      get(target, name) {
        if (typeof Reflect.get(target, name) !== 'function') return Reflect.get(target, name)
        return (...args: readonly unknown[]) => {
          const own = next()[service] as unknown as Record<string | symbol, (...args: readonly unknown[]) => unknown>
          return own[name]?.(...args)
        }
      },
    })
  return {
    name: first.name,
    supports: (capability) => first.supports(capability),
    containers: rotating('containers'),
    control: rotating('control'),
    streams: rotating('streams'),
    containerImages: rotating('containerImages'),
    execs: first.execs,
    files: rotating('files'),
    images: rotating('images'),
    networks: rotating('networks'),
    volumes: rotating('volumes'),
    system: rotating('system'),
    ...closeable(async () => {
      await Promise.all(backends.map((backend) => backend.close()))
    }),
  }
}
