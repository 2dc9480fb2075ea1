// The conformance suites on vitest. Only they skip, and only through here.
import { describe, it } from 'vitest'
import type { TestApi } from '../../src/conformance/suite.js'
import { skippedTitle } from './skips.js'

export const testApi: TestApi = {
  describe,
  it,
  skip: (title, reason) => it.skip(skippedTitle(title, reason)),
}
