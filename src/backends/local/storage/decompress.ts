// A layer's bytes without their packing. gzip is Node's, off the main thread; zstd Node's from 22.15 on, before that the `zstd` program's.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Duplex, pipeline, Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import { EngineError } from '../../../errors.js'
import { layerCompression } from '../../../oci/media-types.js'
import { pieces } from '../../../util/pieces.js'
import { findProgram, programEnvironment } from '../../host/programs.js'

export type Packing = NonNullable<ReturnType<typeof layerCompression>>
const outputBytes = 64 << 10

/** Throws `unsupported` for a type that is no layer's. */
export function packingOf(mediaType: string): Packing {
  const packing = layerCompression(mediaType)
  if (packing === undefined) throw new EngineError('unsupported', `"${mediaType}" is not a layer's type that can be unpacked`)
  return packing
}

export async function unpacked(bytes: AsyncIterable<Uint8Array>, packing: Packing): Promise<AsyncIterable<Uint8Array>> {
  const unpacker = await openUnpacker(packing)
  if (unpacker === undefined) return bytes
  // Its errors come out of the iteration.
  pipeline(Readable.from(bytes, { objectMode: false }), unpacker, () => {})
  return pieces(unpacker)
}

/** Bytes written to it come out unpacked. `undefined`: they are not packed. */
export async function openUnpacker(packing: Packing): Promise<Duplex | undefined> {
  if (packing === 'none') return undefined
  if (packing === 'gzip') return zlib.createGunzip({ chunkSize: outputBytes })
  const create = (zlib as { readonly createZstdDecompress?: (options: { chunkSize: number }) => Duplex }).createZstdDecompress
  if (create !== undefined) return create({ chunkSize: outputBytes })
  const program = await findProgram('zstd')
  if (program === undefined)
    throw new EngineError(
      'failed_precondition',
      'layer is packed with zstd, which Node reads from 22.15 on: before that "zstd" must be on PATH',
    )
  return throughProgram(spawn(program, ['-d', '-c', '-q'], { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', env: programEnvironment() }))
}

function throughProgram(child: ChildProcess): Duplex {
  const { stdin, stdout, stderr } = child
  if (stdin === null || stdout === null) throw new EngineError('internal', '"zstd" has no pipes')
  stderr?.resume()
  const duplex = Duplex.from({ readable: stdout, writable: stdin })
  void once(child, 'exit').then(([code]) => {
    if (code !== 0) duplex.destroy(new EngineError('data_loss', 'layer has damaged zstd data'))
  })
  duplex.once('close', () => {
    child.kill('SIGKILL')
  })
  return duplex
}

export function toDamage(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  const damaged = typeof code === 'string' && /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_STREAM_PREMATURE)/.test(code)
  return damaged ? new EngineError('data_loss', `layer has damaged packed data: ${(error as Error).message}`, { cause: error }) : error
}
