// A room by data, so that another process can open the same one.
import { connectContainerd } from '../../src/backends/containerd/connect.js'
import { openLocal } from '../../src/backends/local/open.js'
import type { Backend } from '../../src/ports/backend/backend.js'

export type Room =
  | { readonly kind: 'containerd'; readonly address: string; readonly namespace: string; readonly root: string }
  | { readonly kind: 'local'; readonly root: string; readonly runtime: string }

export function openRoom(room: Room, beforeStep?: (step: string) => void): Promise<Backend> {
  switch (room.kind) {
    case 'containerd':
      return connectContainerd({ address: room.address, namespace: room.namespace, root: room.root, beforeStep })
    case 'local':
      return openLocal({ root: room.root, defaultRuntime: room.runtime, beforeStep })
    default:
      return room satisfies never
  }
}
