// Two containers with no daemon, and nothing left of them: quickstart.ts [IMAGE]. Without IMAGE it needs no network.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CheckItem, Engine, isEngineError } from 'pouch-sdk'
import { openLocal } from 'pouch-sdk/local'
import { busyboxRoot, findBusybox } from './parts/busybox-image.js'
import { ProgressDisplay } from './parts/progress.js'
import { Steps, quoted } from './parts/steps.js'

/** Something that the user has to change first. */
class Hint extends Error {}

const usage = 'usage: npm run quickstart [-- IMAGE]'
const steps = new Steps(process.stdout)
const interrupted = new AbortController()
const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
for (const [name, code] of Object.entries(signals)) {
  // Once: a second Ctrl-C ends this program at once; what it leaves is in its root alone.
  process.once(name, () => {
    process.exitCode = code
    process.stdout.write(`\n${name}: cleaning up\n`)
    interrupted.abort(new Error(`interrupted by ${name}`))
  })
}

process.exitCode = await main(process.argv.slice(2), interrupted.signal)

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  let code = 0
  try {
    const [image] = args
    if (args.length > 1 || image?.startsWith('-') === true) throw new Hint(usage)
    refuseWhatCannotWork()
    await tour(image, signal)
  } catch (error) {
    code = Number(process.exitCode ?? 1)
    if (!signal.aborted) process.stderr.write(`${explain(error)}\n`)
  }
  const clean = await steps.undo()
  if (clean) process.stdout.write('nothing is left behind\n')
  return clean ? code : code || 1
}

async function tour(wanted: string | undefined, signal: AbortSignal): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'pouch-'))
  steps.defer(`remove ${root}`, () => removeRoot(root))

  const engine = await steps.run('open an engine', async () => new Engine(await openLocal({ root, signal })))
  steps.defer('close the engine', () => engine.close())
  await steps.run('look at this machine', async () => report(await engine.check({ signal })))

  const image = wanted === undefined ? await makeImage(engine, signal) : await pullImage(engine, wanted, signal)
  if (await firstContainer(engine, image, signal)) await secondContainer(engine, image, signal)
}

async function makeImage(engine: Engine, signal: AbortSignal): Promise<string> {
  const reference = 'quickstart:latest'
  const busybox = await findBusybox()
  if (busybox === undefined) throw new Hint('no busybox on this machine: apt-get install busybox-static, or name an image to pull')
  const config = { command: ['sh'], env: { PATH: '/bin' } }
  const { info } = await steps.run(
    `make an image of ${busybox}`,
    async () => engine.images.import(await busyboxRoot(busybox, signal), { reference, config, signal }),
    (made) => made.id.slice(0, 19),
  )
  steps.defer('remove the image', () => engine.images.remove(reference))
  return info.names[0] ?? reference
}

async function pullImage(engine: Engine, reference: string, signal: AbortSignal): Promise<string> {
  const display = new ProgressDisplay(process.stdout)
  const pulled = await steps.run(
    `pull ${reference}`,
    async () => {
      try {
        return await engine.images.pull(reference, { signal, onProgress: (progress) => display.show(progress) })
      } finally {
        display.end()
      }
    },
    ({ info }) => `${info.id.slice(0, 19)}, ${info.platform}, ${(info.sizeBytes / 1e6).toFixed(1)} MB unpacked`,
  )
  steps.defer('remove the image', () => engine.images.remove(pulled.id, { force: true }))
  return reference
}

/** False when the image has no shell to go on with. */
async function firstContainer(engine: Engine, image: string, signal: AbortSignal): Promise<boolean> {
  const script =
    'echo "hello from $(hostname), kernel $(uname -r)"; for i in 1 2 3; do sleep 0.03; echo "line $i"; done; echo "to stderr" >&2; exit 3'
  const shown = quoted(process.stdout)
  try {
    await steps.run(
      'run a container, its output as it comes',
      () =>
        engine.containers.run(
          { image, entrypoint: [], command: ['sh', '-c', script] },
          { signal, onOutput: ({ bytes }) => shown.write(bytes) },
        ),
      ({ exitCode }) => `exit code ${exitCode}`,
    )
    return true
  } catch (error) {
    if (!isEngineError(error) || error.exitCode === undefined) throw error
    steps.say(`this image has no shell (exit code ${error.exitCode}): it runs its own command, and there is no exec`)
    await ownCommand(engine, image, signal)
    return false
  } finally {
    shown.end()
  }
}

async function ownCommand(engine: Engine, image: string, signal: AbortSignal): Promise<void> {
  const seconds = 5
  const shown = quoted(process.stdout)
  const late = AbortSignal.timeout(seconds * 1000)
  try {
    await steps.run(
      `run the image's own command, for ${seconds} s at most`,
      () => engine.containers.run({ image }, { signal: AbortSignal.any([signal, late]), onOutput: ({ bytes }) => shown.write(bytes) }),
      ({ exitCode }) => `exit code ${exitCode}`,
    )
  } catch (error) {
    if (error !== late.reason) throw error
    steps.say('it was still running, and has been removed')
  } finally {
    shown.end()
  }
}

async function secondContainer(engine: Engine, image: string, signal: AbortSignal): Promise<void> {
  const container = await steps.run('start a second container', async () => {
    const created = await engine.containers.createOwned({ image, entrypoint: [], command: ['sleep', '600'] }, { signal })
    steps.defer('remove the second container', () => created.remove({ force: true }))
    await created.start({ signal })
    return created
  })
  const shown = quoted(process.stdout)
  await steps.run(
    'exec in it',
    async () => {
      const result = await container.exec(['sh', '-c', 'echo "$$ is my id, 1 is: $(tr "\\0" " " </proc/1/cmdline)"; id; exit 7'], {
        signal,
      })
      shown.write(result.stdout)
      shown.write(result.stderr)
      shown.end()
      return result
    },
    ({ exitCode }) => `exit code ${exitCode}`,
  )
}

/** What is known before anything is started. */
function refuseWhatCannotWork(): void {
  if (process.platform !== 'linux') throw new Hint(`containers need Linux, and this is ${process.platform}: use a virtual machine`)
  if (process.getuid?.() !== 0)
    throw new Hint(`mounts and cgroups need root, and this is user ${process.getuid?.()}: run "sudo npm run quickstart"`)
}

/** Names what is missing, and what to do. Throws when no container can run so. */
async function report(items: readonly CheckItem[]): Promise<void> {
  for (const { name, answer, why, remedy } of items) {
    if (answer !== 'yes')
      steps.say(`${answer === 'no' ? 'missing' : 'limited'}: ${name}: ${why}${remedy === undefined ? '' : `; what helps: ${remedy}`}`)
  }
  const runtimes = items.filter(({ name }) => name.startsWith('runtime '))
  const fatal = items.filter(({ name, answer }) => answer === 'no' && (name === 'rights' || name === 'cgroups'))
  if (runtimes.length > 0 && runtimes.every(({ answer }) => answer === 'no')) fatal.push(...runtimes)
  if (fatal.length > 0)
    throw new Hint(`no container can run here: ${fatal.map(({ name, remedy, why }) => `${name}: ${remedy ?? why}`).join('; ')}`)
}

/** Deleting goes through mounts: better to leave a directory than to empty what is mounted there. */
async function removeRoot(root: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').flatMap((line) => line.split(' ')[4] ?? [])
  const left = mounts.filter((point) => point.startsWith(`${root}/`))
  if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`)
  await rm(root, { recursive: true, force: true, maxRetries: 5 })
}

function explain(error: unknown): string {
  if (error instanceof Hint) return error.message
  if (isEngineError(error)) return `${error.code}: ${error.message}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
