// A hundred containers with no daemon, sixteen at a time, and how many that is a second. embedded.ts [ROOT]
import { Engine } from 'pouch-sdk'
import { openLocal } from 'pouch-sdk/local'
import { busyboxRoot, findBusybox } from './parts/busybox-image.js'

const [root = '/var/lib/pouch-sdk/example'] = process.argv.slice(2)
const total = 100
const atOnce = 16

await using engine = new Engine(await openLocal({ root }))
const busybox = (await findBusybox()) ?? 'busybox'
const { id } = await engine.images.import(await busyboxRoot(busybox), { config: { env: { PATH: '/bin' } } })

const begun = performance.now()
let started = 0
async function worker(): Promise<void> {
  while (started++ < total) await engine.containers.run({ image: id, command: ['true'], networkMode: 'none' }, { check: true })
}
await Promise.all(Array.from({ length: atOnce }, worker))
console.log(`${(total / ((performance.now() - begun) / 1000)).toFixed(0)} containers a second`)
