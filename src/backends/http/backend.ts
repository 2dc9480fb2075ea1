// Composes the services of this room to a Backend.
import type { Closeable } from '../../model/common.js'
import type { Backend } from '../../ports/backend/backend.js'
import type { ContainerImages } from '../../ports/backend/container-images.js'
import type { ContainerControl, ContainerService, ContainerStreams } from '../../ports/backend/containers.js'
import type { ExecService } from '../../ports/backend/execs.js'
import type { FileService } from '../../ports/backend/files.js'
import type { NetworkService } from '../../ports/backend/networks.js'
import type { VolumeService } from '../../ports/backend/volumes.js'
import type { HttpContext } from './context.js'
import { HttpImages } from './images/service.js'
import { pending } from './pending.js'
import { HttpSystem } from './system.js'

export function httpBackend(context: HttpContext, closing: Closeable): Backend {
  return {
    name: context.name,
    supports: (capability) => context.supports(capability),
    containers: pending<ContainerService>(context, 'containers', ['list']),
    control: pending<ContainerControl>(context, 'control', ['stats']),
    streams: pending<ContainerStreams>(context, 'streams', ['logs']),
    containerImages: pending<ContainerImages>(context, 'containerImages', ['export', 'changes']),
    execs: pending<ExecService>(context, 'execs'),
    files: pending<FileService>(context, 'files', ['read']),
    images: new HttpImages(context),
    networks: pending<NetworkService>(context, 'networks', ['list']),
    volumes: pending<VolumeService>(context, 'volumes', ['list']),
    system: new HttpSystem(context),
    close: () => closing.close(),
    [Symbol.asyncDispose]: () => closing.close(),
  }
}
