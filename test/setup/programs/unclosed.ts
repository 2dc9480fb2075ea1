// Opens an engine below ROOT, runs one container in it, and forgets to close it: unclosed.ts ROOT ROOTFS
import { Engine } from '../../../src/api/engine.js'
import { openLocal } from '../../../src/backends/local/open.js'

const [root = '', rootfs = ''] = process.argv.slice(2)
const engine = new Engine(await openLocal({ root }))
const { exitCode } = await engine.containers.run({ rootfs, command: ['true'], networkMode: 'none' })
process.stdout.write(`${exitCode}\n`)
