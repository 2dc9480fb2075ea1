// What a registry says about a manifest, and what can be believed.
import { EngineError } from '../errors.js'
import type { Descriptor, Digest } from '../model/common.js'
import { digestAlgorithm, digestOf, isDigest } from '../oci/digest.js'
import { MAX_MANIFEST_BYTES } from '../oci/manifest.js'
import { isIndexType, isManifestType, manifestTypes } from '../oci/media-types.js'
import type { HttpResponse } from './transport.js'

/** For `Accept`. Some registries answer 404 unless anything goes. */
export const acceptManifests: string = [...manifestTypes, '*/*'].join(', ')

/** `undefined` when the headers do not tell it all. */
export function describeHead(response: HttpResponse, wanted: Digest | undefined, what: string, host: string): Descriptor | undefined {
  const mediaType = mediaTypeOf(response)
  const size = Number(response.header('content-length') ?? Number.NaN)
  const digest = wanted ?? digestHeader(response)
  if (!isKnown(mediaType) || digest === undefined || !Number.isSafeInteger(size) || size <= 0) return undefined
  if (size > MAX_MANIFEST_BYTES)
    throw new EngineError('resource_exhausted', `the manifest of ${what} is larger than ${MAX_MANIFEST_BYTES} bytes`)
  const said = digestHeader(response)
  if (said !== undefined && said !== digest && digestAlgorithm(said) === digestAlgorithm(digest)) throw wrongDigest(host, what)
  return { mediaType, digest, size }
}

/** From the body, which `wanted` or the header must agree with. */
export function describeManifest(
  response: HttpResponse,
  bytes: Uint8Array,
  wanted: Digest | undefined,
  what: string,
  host: string,
): Descriptor {
  const mediaType = mediaTypeOf(response)
  const type = isKnown(mediaType) ? mediaType : ownType(bytes)
  if (type === undefined) {
    const schema1 = mediaType.includes('manifest.v1+')
    throw schema1
      ? new EngineError('unsupported', `${what} has a manifest of schema 1, which is no longer read: push it again with a current tool`)
      : new EngineError('internal', `registry "${host}" answers "${mediaType}" for ${what}: that is no manifest, and perhaps no registry`)
  }
  const said = wanted ?? digestHeader(response)
  const digest = digestOf(bytes, said === undefined ? 'sha256' : digestAlgorithm(said))
  if (said !== undefined && said !== digest) throw wrongDigest(host, what)
  return { mediaType: type, digest, size: bytes.length }
}

function wrongDigest(host: string, what: string): EngineError {
  return new EngineError('data_loss', `registry "${host}" sends a manifest for ${what} that has another digest`)
}
function digestHeader(response: HttpResponse): Digest | undefined {
  const value = response.header('docker-content-digest')
  return value !== undefined && isDigest(value) ? value : undefined
}
function mediaTypeOf(response: HttpResponse): string {
  const type = response.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  return /^[\w.+/-]{1,127}$/.test(type) ? type : ''
}
function isKnown(mediaType: string): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType)
}
/** Plain web servers serve manifests as `application/json` or as octets. */
function ownType(bytes: Uint8Array): string | undefined {
  try {
    const { mediaType } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { mediaType?: unknown }
    return typeof mediaType === 'string' && isKnown(mediaType) ? mediaType : undefined
  } catch {
    return undefined
  }
}
