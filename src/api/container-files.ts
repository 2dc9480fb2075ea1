import { posix } from 'node:path'
import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { FileStat } from '../model/container.js'
import type { Backend } from '../ports/backend/backend.js'
import type { StatOptions, WriteFilesOptions } from '../ports/backend/files.js'
import type { ReadFileOptions, WriteFileOptions } from './file-options.js'
import { found } from './found.js'
import { checkInput, checkOptional } from './input/check.js'
import { absolutePath, byteStream, callOptions, word } from './input/fields.js'
import { fileData, readFileOptions, statOptions, writeFileOptions, writeFilesOptions } from './input/files.js'

const defaultMaxBytes = 64 * 1024 * 1024

/** The files of one container, running or stopped. Paths in it are absolute; links in it are followed inside and never lead out. Needs `files`. */
export class ContainerFiles {
  readonly #backend: Backend
  readonly #id: string
  /** @internal */
  constructor(backend: Backend, id: string) {
    this.#backend = backend
    this.#id = id
  }

  async stat(path: string, options?: StatOptions): Promise<FileStat> {
    return this.#backend.files.stat(this.#id, checkInput(absolutePath, path, 'stat'), checkOptional(statOptions, options, 'stat'))
  }
  /** One regular file, whole; anything else is `failed_precondition`. */
  async read(path: string, options: ReadFileOptions = {}): Promise<Buffer> {
    const { maxBytes = defaultMaxBytes, signal } = checkInput(readFileOptions, options, 'read')
    const { readTar } = await import('./tar-out.js')
    for await (const { header, bytes } of readTar(this.readTar(path, { signal }), signal)) {
      if (header.type !== 'file') throw new EngineError('failed_precondition', `"${path}" is no file but a ${header.type}`)
      if ((header.size ?? 0) > maxBytes)
        throw new EngineError('resource_exhausted', `file "${path}" is larger than ${maxBytes} bytes (maxBytes)`)
      const pieces: Uint8Array[] = []
      for await (const piece of bytes) pieces.push(piece)
      return Buffer.concat(pieces)
    }
    throw new EngineError('internal', `backend "${this.#backend.name}" gave nothing for "${path}"`)
  }
  /** Creates or replaces one file. Its directory must be there. */
  async write(path: string, data: string | Uint8Array, options: WriteFileOptions = {}): Promise<void> {
    const { mode = 0o644, owner, signal } = checkInput(writeFileOptions, options, 'write')
    const { directory, name } = place(checkInput(absolutePath, path, 'write'))
    const bytes = checkInput(fileData, data, 'write')
    const { packFile } = await import('./tar-in.js')
    await this.#backend.files.write(this.#id, directory, packFile(name, mode, bytes), { owner, signal })
  }
  /**
   * As `docker cp` does: the file or directory `from` of this machine comes into `to`, where `to` is a directory, else becomes `to`, whose directory must
   * be there. Of a `from` that ends in `/.` only what is in it comes. A `to` that ends in a slash must be a directory, unless one is to become it.
   * What is there already is merged with. Links are copied as links; what is neither file, directory nor link is left out. Belongs to root unless
   * `owner` says else.
   */
  async copyIn(from: string, to: string, options: WriteFilesOptions = {}): Promise<void> {
    const checked = checkInput(writeFilesOptions, options, 'copyIn')
    const [source, target] = [checkInput(word, from, 'copyIn'), checkInput(absolutePath, to, 'copyIn')]
    const { packTree } = await import('./tar-in.js')
    const { planCopyIn } = await import('./copy-plan.js')
    const stat = await found(this.#backend.files.stat(this.#id, target, { followLinks: true, signal: checked.signal }))
    const { directory, name } = await planCopyIn(source, target, stat?.type)
    await this.#backend.files.write(this.#id, directory, packTree(source, name, { signal: checked.signal }), checked)
  }
  /**
   * As `docker cp` does, by the same rules as `copyIn`: the file or directory `from` of the container comes into `to` on this machine, or becomes it. A link
   * in the last place of `from` is followed. All of it belongs to this user, without set-id bits, and stays within `to` whatever the container says;
   * devices, fifos and sockets are left out. On failure what was copied before stays.
   */
  async copyOut(from: string, to: string, options: CallOptions = {}): Promise<void> {
    const { signal } = checkInput(callOptions, options, 'copyOut')
    const [source, target] = [checkInput(absolutePath, from, 'copyOut'), checkInput(word, to, 'copyOut')]
    const { unpackTree } = await import('./tar-out.js')
    const { planCopyOut } = await import('./copy-plan.js')
    await unpackTree(
      this.readTar(posix.normalize(source).replace(/(?<=.)\/$/, ''), { signal }),
      (type) => planCopyOut(source, target, type),
      signal,
    )
  }
  /** A tar whose first entry is `path` itself by its last name. */
  readTar(path: string, options?: CallOptions): AsyncIterable<Uint8Array> {
    return this.#backend.files.read(this.#id, checkInput(absolutePath, path, 'readTar'), checkOptional(callOptions, options, 'readTar'))
  }
  /** Unpacks a tar into the directory `path`. */
  async writeTar(path: string, tar: AsyncIterable<Uint8Array>, options?: WriteFilesOptions): Promise<void> {
    const directory = checkInput(absolutePath, path, 'writeTar')
    await this.#backend.files.write(
      this.#id,
      directory,
      checkInput(byteStream, tar, 'writeTar'),
      checkOptional(writeFilesOptions, options, 'writeTar'),
    )
  }
}

/** The name is `.` for `/` itself. */
function place(path: string): { readonly directory: string; readonly name: string } {
  const whole = posix.normalize(path)
  return { directory: posix.dirname(whole), name: posix.basename(whole) || '.' }
}
