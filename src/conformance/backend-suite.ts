// What every Backend promises, whatever is below it. The cases of one run share an engine; the last tells whether they left anything.
import { blockedCases } from './backend-suite-blocked.js'
import { buildCases } from './backend-suite-build.js'
import { containerImageCases } from './backend-suite-container-images.js'
import { fileCases } from './backend-suite-files.js'
import { imageTransferCases } from './backend-suite-image-transfer.js'
import { networkCases } from './backend-suite-networks.js'
import { volumeCases } from './backend-suite-volumes.js'
import { endCases } from './backend-suite-ends.js'
import { eventCases } from './backend-suite-events.js'
import { execCases } from './backend-suite-execs.js'
import { imageCases } from './backend-suite-images.js'
import { lifeCases } from './backend-suite-life.js'
import { loadCases } from './backend-suite-load.js'
import { limitCases } from './backend-suite-limits.js'
import { mountCases } from './backend-suite-mounts.js'
import { policyCases } from './backend-suite-policies.js'
import { portCases } from './backend-suite-ports.js'
import { processCases } from './backend-suite-process.js'
import { securityCases } from './backend-suite-security.js'
import { streamCases } from './backend-suite-streams.js'
import type { BackendCase, BackendFeature, BackendSubject } from './backend-suite-subject.js'
import { wishCases } from './backend-suite-wishes.js'
import { wholeCases } from './backend-suite-whole.js'
import { defineSuite, placed, type Implementation, type TestApi } from './suite.js'

export function backendSuite(implementation: Implementation<BackendSubject, BackendFeature>, api: TestApi): void {
  const cases = [
    ...lifeCases,
    ...endCases,
    ...streamCases,
    ...execCases,
    ...blockedCases,
    ...processCases,
    ...mountCases,
    ...limitCases,
    ...policyCases,
    ...securityCases,
    ...imageCases,
    ...loadCases,
    ...placed<BackendCase>('contents', imageTransferCases),
    ...buildCases,
    ...placed<BackendCase>('contents', fileCases),
    ...placed<BackendCase>('contents', containerImageCases),
    ...placed<BackendCase>('shared_resources', networkCases),
    ...placed<BackendCase>('shared_resources', portCases),
    ...placed<BackendCase>('shared_resources', volumeCases),
    ...wishCases,
    ...eventCases,
    ...wholeCases,
  ]
  defineSuite('Backend', cases, implementation, api)
}
