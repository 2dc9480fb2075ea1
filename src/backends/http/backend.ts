// Composes the services of this room to a Backend.
import type { Closeable } from '../../model/common.js'
import type { Backend } from '../../ports/backend/backend.js'
import type { ContainerContext } from './container-context.js'
import { HttpContainerImages } from './container-images/service.js'
import { HttpContainers } from './containers.js'
import { HttpControl } from './control.js'
import { HttpExecs } from './execs.js'
import { HttpFiles } from './files/service.js'
import { HttpImages } from './images/service.js'
import { HttpNetworks } from './networks/service.js'
import { HttpStreams } from './streams.js'
import { HttpSystem } from './system.js'
import { HttpVolumes } from './volumes/service.js'

export function httpBackend(context: ContainerContext, closing: Closeable): Backend {
  const images = new HttpImages(context)
  return {
    name: context.name,
    supports: (capability) => context.supports(capability),
    containers: new HttpContainers(context, images),
    control: new HttpControl(context),
    streams: new HttpStreams(context),
    containerImages: new HttpContainerImages(context),
    execs: new HttpExecs(context),
    files: new HttpFiles(context),
    images,
    networks: new HttpNetworks(context),
    volumes: new HttpVolumes(context),
    system: new HttpSystem(context),
    close: () => closing.close(),
    [Symbol.asyncDispose]: () => closing.close(),
  }
}
