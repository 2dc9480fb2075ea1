// A container that serves, a command in it, and its log. IMAGE needs a shell: exec-and-logs.ts [IMAGE]
import { connect } from 'pouch-sdk'

const [image = 'busybox:1.36'] = process.argv.slice(2)

await using engine = await connect()
await using web = await engine.containers.createOwned({
  image,
  pull: 'missing',
  entrypoint: [],
  command: ['sh', '-c', 'echo "ready in $GREETING"; exec sleep 3600'],
  env: { GREETING: 'a moment' },
  init: true,
})
await web.start()

const { exitCode, stdout } = await web.exec(['cat', '/proc/1/comm'])
console.log(`exit code ${exitCode}, process 1 is ${stdout.toString().trim()}`)

// What a command reads, and each piece of its output as it comes.
await web.exec(['cat'], { stdin: 'one\ntwo\n', onOutput: ({ stream, bytes }) => console.log(`${bytes.length} bytes on ${stream}`) })

// A failure is an exit code, unless asked otherwise.
const { exitCode: refused } = await web.exec(['false'])
console.log(`"false" exits with ${refused}`)
await web.exec(['sh', '-c', 'echo no such thing >&2; exit 3'], { check: true }).catch((error: Error) => console.log(error.message))

await web.stop({ graceMs: 2_000 })
for await (const entry of web.logs()) console.log(entry.stream, entry.text)
