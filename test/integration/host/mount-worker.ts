// A process that mounts privately and waits to be killed.
import { mountPrivately } from '../../../src/backends/host/private-mount.js'

const [directory = '', image = ''] = process.argv.slice(2)
const tree = await mountPrivately(directory, [{ type: 'ext4', source: image, options: ['loop', 'ro'] }])
process.stdout.write(`${tree.root}\n`)
process.stdin.resume()
await new Promise(() => {})
