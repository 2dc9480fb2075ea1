// Content digests: checking their text, and hashing streams.
import { createHash, type Hash } from 'node:crypto'
import type { Descriptor, Digest } from '../model/common.js'
import { EngineError } from '../errors.js'

export type DigestAlgorithm = 'sha256' | 'sha512'

const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text)
}

/** Throws `invalid_argument`. Only sha256 and sha512 are known, in lower case. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text
  throw new EngineError('invalid_argument', `digest "${text.slice(0, 150)}" is malformed: sha256 or sha512 in lower-case hex is expected`)
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

/** Without the algorithm. Safe as a file's name. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return toDigest(createHash(algorithm).update(bytes), algorithm)
}

/** Reads to the end. */
export async function digestOfStream(
  bytes: AsyncIterable<Uint8Array>,
  algorithm: DigestAlgorithm = 'sha256',
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const hash = createHash(algorithm)
  let size = 0
  for await (const chunk of bytes) {
    hash.update(chunk)
    size += chunk.byteLength
  }
  return { digest: toDigest(hash, algorithm), size }
}

/** Hands the bytes on and hashes them on the way; `done` is called once, after the last chunk, and may throw. */
export async function* hashing(
  bytes: AsyncIterable<Uint8Array>,
  algorithm: DigestAlgorithm,
  done: (digest: Digest, size: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash(algorithm)
  let size = 0
  for await (const chunk of bytes) {
    hash.update(chunk)
    size += chunk.byteLength
    yield chunk
  }
  done(toDigest(hash, algorithm), size)
}

/** Hands the bytes on; throws `data_loss` as soon as there are too many, or at the end when size or digest differ. */
export async function* verified(
  bytes: AsyncIterable<Uint8Array>,
  expected: Pick<Descriptor, 'digest' | 'size'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const algorithm = digestAlgorithm(expected.digest)
  const hash = createHash(algorithm)
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.byteLength
    if (size > expected.size) throw new EngineError('data_loss', `blob "${expected.digest}" is longer than its ${expected.size} bytes`)
    hash.update(chunk)
    yield chunk
  }
  if (size < expected.size) throw new EngineError('data_loss', `blob "${expected.digest}" ended after ${size} of ${expected.size} bytes`)
  const digest = toDigest(hash, algorithm)
  if (digest !== expected.digest) throw new EngineError('data_loss', `blob "${expected.digest}" has the digest "${digest}"`)
}

function toDigest(hash: Hash, algorithm: DigestAlgorithm): Digest {
  return `${algorithm}:${hash.digest('hex')}`
}
