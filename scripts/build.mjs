// Builds dist/. `--if-stale`: only when something changed since. `--no-types`: without the .d.ts files.
import { parseArgs } from 'node:util'
import { buildDist } from './build-dist.mjs'

const { values } = parseArgs({ options: { 'if-stale': { type: 'boolean' }, 'no-types': { type: 'boolean' } } })
process.exitCode = await buildDist({ ifStale: values['if-stale'], types: values['no-types'] !== true })
