// Files over the archive endpoints. On pouchd 1.3 they follow links of the container out of it, to files of the host: see `FileService`.
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { FileStat } from '../../../model/container.js'
import type { FileService, StatOptions, WriteFilesOptions } from '../../../ports/backend/files.js'
import { act } from '../act.js'
import type { Answer, Method } from '../calls.js'
import { type HttpContext, requireCapability } from '../context.js'
import { readTar } from '../../../oci/tar-reader.js'
import { pathInside } from './inside.js'
import { wholeTar } from '../images/whole-tar.js'
import { path as pathOf } from '../path.js'
import { parsePathStat, type PathStat } from '../wire/file.js'
import { checkWritable, ownerOf } from './writable.js'

export class HttpFiles implements FileService {
  readonly #context: HttpContext
  constructor(context: HttpContext) {
    this.#context = context
  }

  async stat(id: string, path: string, { followLinks = false, signal }: StatOptions = {}): Promise<FileStat> {
    requireCapability(this.#context, 'files')
    const place = await this.#inside(id, path, false, { signal })
    const here = await this.#stat(id, place, { signal })
    const there =
      followLinks && here.type === 'symlink' ? await this.#stat(id, await this.#targetOf(id, place, here, { signal }), { signal }) : here
    const { linkTarget: told, ...stat } = there
    const linkTarget = stat.type === 'symlink' && this.#leadsOut ? await this.#linkOf(id, place, { signal }) : told
    return { ...stat, name: here.name, ...(stat.type === 'symlink' && linkTarget !== '' && { linkTarget }) }
  }
  async *read(id: string, path: string, { signal }: CallOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    requireCapability(this.#context, 'files')
    let { body, stat } = await this.#archive('GET', id, await this.#inside(id, path, true, { signal }), { signal })
    if (stat.type === 'symlink' && !this.#context.dialect.resources.readsThroughLinks) {
      for await (const _ of body) break // frees the connection
      if (stat.linkTarget === '') throw new EngineError('not_found', `"${path}" is a link that leads nowhere`)
      ;({ body, stat } = await this.#archive('GET', id, stat.linkTarget, { signal }))
    }
    yield* wholeTar(body, `the archive of "${path}"`)
  }
  async write(id: string, path: string, tar: AsyncIterable<Uint8Array>, options: WriteFilesOptions = {}): Promise<void> {
    requireCapability(this.#context, 'files')
    const { keepTypes = true, signal } = options
    const owner = ownerOf(this.#context, options.owner)
    await checkWritable(this.#context, id, path, () => this.stat(id, path, { followLinks: true, signal }), { signal })
    const place = await this.#inside(id, path, true, { signal })
    const { rewriteTar } = await import('../../../oci/tar-rewrite.js')
    await act(this.#context, 'PUT', pathOf`/containers/${id}/archive`, {
      query: { path: place, noOverwriteDirNonDir: keepTypes },
      body: rewriteTar(tar, owner),
      subject: { kind: 'container', id },
      signal,
    })
  }

  get #leadsOut(): boolean {
    return this.#context.dialect.resources.linksLeadOut
  }
  async #inside(id: string, path: string, followLast: boolean, options: CallOptions): Promise<string> {
    if (!this.#leadsOut) return path
    const look = {
      typeOf: async (step: string) => (await this.#stat(id, step, options)).type,
      linkOf: (step: string) => this.#linkOf(id, step, options),
    }
    return pathInside(look, path, { followLast })
  }
  async #targetOf(id: string, place: string, { linkTarget }: PathStat, options: CallOptions): Promise<string> {
    return this.#leadsOut ? this.#inside(id, place, true, options) : linkTarget
  }
  /** What is read of a link is the link itself. */
  async #linkOf(id: string, path: string, options: CallOptions): Promise<string> {
    const { body } = await this.#archive('GET', id, path, options)
    for await (const { type, linkName } of readTar(body)) if (type === 'symlink') return linkName
    throw new EngineError('conflict', `"${path}" in container "${id}" was a link, and is none any more`)
  }
  async #stat(id: string, path: string, options: CallOptions): Promise<PathStat> {
    try {
      const { stat, body } = await this.#archive('HEAD', id, path, options)
      for await (const _ of body);
      return stat
    } catch (error) {
      if (!isEngineError(error, 'internal') && !isEngineError(error, 'not_found')) throw error
      // A failed HEAD has no words: GET tells what is missing, and why.
      const { stat, body } = await this.#archive('GET', id, path, options)
      for await (const _ of body) break
      return stat
    }
  }
  async #archive(
    method: Method,
    id: string,
    path: string,
    { signal }: CallOptions,
  ): Promise<Pick<Answer, 'body'> & { readonly stat: PathStat }> {
    const answer = await this.#context.calls.bytes(method, pathOf`/containers/${id}/archive`, {
      query: { path },
      subject: { kind: 'file', id: path },
      signal,
    })
    return { body: answer.body, stat: parsePathStat(answer.headers['x-docker-container-path-stat'], path) }
  }
}
