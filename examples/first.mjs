import { connect } from 'pouch-sdk'

const engine = await connect()
const { stdout } = await engine.containers.run({ image: 'busybox:1.36', command: ['echo', 'hello'] })
process.stdout.write(stdout)
await engine.close()
