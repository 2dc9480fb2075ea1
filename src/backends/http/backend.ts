// Composes the services of this room to a Backend.
import type { Closeable } from '../../model/common.js'
import type { Backend } from '../../ports/backend/backend.js'
import type { ContainerControl, ContainerService, ContainerStreams } from '../../ports/backend/containers.js'
import type { ExecService } from '../../ports/backend/execs.js'
import type { HttpContext } from './context.js'
import { HttpContainerImages } from './container-images/service.js'
import { HttpFiles } from './files/service.js'
import { HttpNetworks } from './networks/service.js'
import { HttpVolumes } from './volumes/service.js'
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
    containerImages: new HttpContainerImages(context),
    execs: pending<ExecService>(context, 'execs'),
    files: new HttpFiles(context),
    images: new HttpImages(context),
    networks: new HttpNetworks(context),
    volumes: new HttpVolumes(context),
    system: new HttpSystem(context),
    close: () => closing.close(),
    [Symbol.asyncDispose]: () => closing.close(),
  }
}
