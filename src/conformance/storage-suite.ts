// What a Storage promises: blobs, snapshots, layers, image names, and what a collection may take.
import { collectionCases } from './storage-suite-collection.js'
import { contentCases } from './storage-suite-content.js'
import { layerCases } from './storage-suite-layers.js'
import { snapshotCases } from './storage-suite-snapshots.js'
import { type StorageCapability, streamCases } from './storage-suite-streams.js'
import type { StorageSubject } from './storage-subject.js'
import { defineSuite, type Implementation, type TestApi } from './suite.js'

export function storageSuite(implementation: Implementation<StorageSubject, StorageCapability>, api: TestApi): void {
  defineSuite('ContentStore', contentCases, implementation, api)
  defineSuite('Snapshotter', snapshotCases, implementation, api)
  defineSuite('LayerService', layerCases, implementation, api)
  defineSuite('LayerService, streamed', streamCases, implementation, api)
  defineSuite('Storage', collectionCases, implementation, api)
}
