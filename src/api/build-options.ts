import type { BuildOptions, BuildRequest } from '../ports/backend/images.js'

/** Of `images.build`. */
export interface BuildImageOptions extends Omit<BuildRequest, 'context'>, BuildOptions {}
