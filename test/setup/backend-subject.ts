// What every subject of the backend suite has in common: its image, archives of further ones, a registry.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BackendSubject } from '../../src/conformance/backend-suite-subject.js'
import type { ContainerSettings } from '../../src/model/container-spec.js'
import type { Closeable } from '../../src/model/common.js'
import type { Backend } from '../../src/ports/backend/backend.js'
import { closeable } from '../../src/util/closeable.js'
import { busyboxImage, chunks, dockerArchive, ociArchive, plainLayers, putImage } from './images.js'
import { startRegistry } from './registry.js'
import { tar } from './tar.js'
import { busyboxRoot } from './task-subject.js'

const image = 'registry.example/suite/busybox:1'

export interface SubjectOptions {
  /** One more process of the engine. */
  open(): Promise<Backend>
  readonly real: boolean
  /** Of every container. */
  readonly settings?: Partial<ContainerSettings> | undefined
}

/** Opens a backend, loads the image, and starts a registry where commands are real. */
export async function backendSubject({ open, real, settings }: SubjectOptions): Promise<{ readonly subject: BackendSubject } & Closeable> {
  const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-backend-'))
  const registry = real ? await startRegistry() : undefined
  const built = await busyboxImage()
  if (registry !== undefined)
    await putImage(registry.url, 'suite/remote', '1', await busyboxImage({ extra: [{ name: 'remote', body: 'remote' }] }))
  const host = registry?.host ?? '127.0.0.1:1'
  const backend = await open()
  const subject: BackendSubject = {
    backend,
    image,
    real,
    device: '/dev/fuse',
    another: open,
    spec: (command, extra = {}) => ({ networkMode: 'none', ...settings, ...extra, image, ...(command !== undefined && { command }) }),
    async archive(format, name, { command, labels, env, workingDir, user } = {}) {
      const config = {
        ...(command !== undefined && { Cmd: command }),
        ...(workingDir !== undefined && { WorkingDir: workingDir }),
        ...(user !== undefined && { User: user }),
        ...(env !== undefined && { Env: Object.entries({ PATH: '/bin', ...env }).map(([key, value]) => `${key}=${value}`) }),
        Labels: { ...labels, 'suite.name': name },
      }
      const one = await busyboxImage({ config, ...(format === 'oci' && { format }) })
      return format === 'oci'
        ? ociArchive([{ root: one, name }])
        : dockerArchive([{ image: one, plainLayers: plainLayers(one), tags: [name] }])
    },
    async brokenArchive(whole, broken) {
      const [one, other] = await Promise.all(
        [whole, broken].map((name) => busyboxImage({ config: { Labels: { 'suite.name': name } }, extra: [{ name: 'file', body: name }] })),
      )
      if (one === undefined || other === undefined) throw new Error('two names make two images')
      return dockerArchive([
        { image: one, plainLayers: plainLayers(one), tags: [whole] },
        {
          image: other,
          plainLayers: [...plainLayers(other).slice(0, -1), tar([{ name: 'file', body: 'not what it says' }])],
          tags: [broken],
        },
      ])
    },
    rootfs: async () => plainLayers(built)[0] ?? Buffer.alloc(0),
    rootDirectory: () => busyboxRoot(directory),
    remote: { present: `${host}/suite/remote:1`, absent: `${host}/suite/absent:1` },
  }
  for (const { names } of await backend.images.load(chunks(ociArchive([{ root: await busyboxImage({ format: 'oci' }), name: image }])))) {
    if (names[0] !== image) throw new Error(`the image was loaded as ${names.join(', ')}`)
  }
  return {
    subject,
    ...closeable(async () => {
      await backend.close()
      await registry?.close()
      await rm(directory, { recursive: true, force: true })
    }),
  }
}
