// Everything can be cancelled: what was begun is undone, and the call rejects with the signal's own reason. cancel.ts [IMAGE]
import { connect } from 'pouch-sdk'

const [image = 'busybox:1.36'] = process.argv.slice(2)

await using engine = await connect()
const labels = { example: `cancel-${process.pid}` }
const spec = { image, entrypoint: [], command: ['sleep', '3600'], labels }
try {
  await engine.containers.run(spec, { signal: AbortSignal.timeout(2_000) })
} catch (error) {
  console.log(`the run was cut off: ${(error as Error).name}`)
}

let left = 0
for await (const container of engine.containers.list({ all: true, labels })) {
  console.log(`still there: ${container.id}`)
  left += 1
}
console.log(`${left} containers are left`)
