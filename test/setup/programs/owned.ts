// Makes an owned container on the daemon at SOCKET of IMAGE, prints its id, and waits to be killed: owned.ts SOCKET IMAGE
import { connectHttp } from '../../../src/backends/http/connect.js'

const [socketPath = '', image = ''] = process.argv.slice(2)
const backend = await connectHttp({ socketPath })
const id = await backend.containers.create({ image, command: ['sleep', '100000'], networkMode: 'none', lifetime: 'owned' })
await backend.containers.start(id)
process.stdout.write(`${JSON.stringify(id)}\n`)
setInterval(() => {}, 60_000)
