// A private containerd below a directory of one's own, and what it tells of this machine. own-containerd.ts ROOT
import { Engine } from 'pouch-sdk'
import { startContainerd } from 'pouch-sdk/containerd'
import { oci } from 'pouch-sdk/drivers'

const [root = '/var/lib/pouch-sdk/example'] = process.argv.slice(2)

const backend = await startContainerd({ root, runtimes: { crun: oci('crun'), runc: oci('runc') } })
await using engine = new Engine(backend)
for (const { name, answer, why } of await engine.check()) console.log(`${name}: ${answer} (${why})`)
