// Descriptors and mounts between the wire and the model.
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Descriptor, Digest, Mount } from '../../../model/common.js'
import type { DescriptorSchema, MountSchema, Descriptor as WireDescriptor, Mount as WireMount } from '../gen/types_pb.js'

export function toDescriptor({ mediaType, digest, size, annotations }: WireDescriptor): Descriptor {
  const descriptor: Descriptor = { mediaType, digest: digest as Digest, size: Number(size) }
  return Object.keys(annotations).length === 0 ? descriptor : { ...descriptor, annotations: { ...annotations } }
}
export function toWireDescriptor({ mediaType, digest, size, annotations }: Descriptor): MessageInitShape<typeof DescriptorSchema> {
  return { mediaType, digest, size: BigInt(size), annotations: { ...annotations } }
}
export function toMount({ type, source, options }: WireMount): Mount {
  return { type, source, options: [...options] }
}
export function toWireMount({ type, source, options }: Mount): MessageInitShape<typeof MountSchema> {
  return { type, source, options: [...options] }
}
