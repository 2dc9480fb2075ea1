// A room by data, so that another process can open the same one.
import type { Backend } from '../../src/ports/backend/backend.js'

export type Room =
  | { readonly kind: 'containerd'; readonly address: string; readonly namespace: string; readonly root: string }
  | { readonly kind: 'local'; readonly root: string; readonly runtime: string }

/** Loads no other room: programs that are started again and again open one. */
export async function openRoom(room: Room, beforeStep?: (step: string) => void): Promise<Backend> {
  switch (room.kind) {
    case 'containerd': {
      const { connectContainerd } = await import('../../src/backends/containerd/connect.js')
      return connectContainerd({ address: room.address, namespace: room.namespace, root: room.root, beforeStep })
    }
    case 'local': {
      const { openLocal } = await import('../../src/backends/local/open.js')
      return openLocal({ root: room.root, defaultRuntime: room.runtime, beforeStep })
    }
    default:
      return room satisfies never
  }
}
