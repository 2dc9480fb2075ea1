import { randomUUID } from 'node:crypto'
import type { CallOptions, Descriptor, Digest, Mount } from '../../../model/common.js'
import type { LayerService } from '../../../ports/engine/snapshotter.js'
import { EngineError } from '../../../errors.js'
import { Diff } from '../gen/diff_pb.js'
import { uncompressedLabel } from '../../host/gc-labels.js'
import { rootLabel } from '../labels.js'
import { setLabels } from './content-labels.js'
import { toDescriptor, toWireDescriptor, toWireMount } from './convert.js'
import { dropIngest } from './upload.js'
import type { StorageWire } from './wire.js'

const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

/** The daemon reads, unpacks and mounts; no byte of a layer comes to us. */
export class ContainerdLayers implements LayerService {
  readonly #wire: StorageWire
  constructor(wire: StorageWire) {
    this.#wire = wire
  }

  async apply(layer: Descriptor, target: readonly Mount[], { signal }: CallOptions = {}): Promise<Digest> {
    const subject = { kind: 'layer', id: layer.digest }
    const request = { diff: toWireDescriptor(layer), mounts: target.map(toWireMount) }
    const { applied } = await this.#wire.calls.unary(Diff.method.apply, request, { signal, subject, deadlineMs: Infinity })
    if (applied === undefined)
      throw new EngineError('internal', `layer "${layer.digest}": containerd did not say what it unpacked`, { subject })
    const digest = applied.digest as Digest
    await setLabels(this.#wire, layer.digest, { [uncompressedLabel]: digest }, { signal })
    return digest
  }
  async diff(lower: readonly Mount[], upper: readonly Mount[], { signal }: CallOptions = {}): Promise<Descriptor> {
    const ref = `pouch-sdk-${randomUUID()}`
    const request = {
      left: lower.map(toWireMount),
      right: upper.map(toWireMount),
      mediaType: layerType,
      ref,
      labels: { [rootLabel]: this.#wire.rootId },
    }
    const subject = { kind: 'diff', id: ref }
    try {
      const { diff } = await this.#wire.calls.unary(Diff.method.diff, request, { signal, subject, deadlineMs: Infinity })
      if (diff === undefined) throw new EngineError('internal', `diff "${ref}": containerd did not say what it packed`, { subject })
      return toDescriptor(diff)
    } catch (error) {
      await dropIngest(this.#wire, ref)
      throw error
    }
  }
}
