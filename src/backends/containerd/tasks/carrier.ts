// containerd and its shims as the carrier of processes.
import { fromBinary } from '@bufbuild/protobuf'
import { isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import { encodeSpec } from '../../../oci/runtime-spec.js'
import { raceAbort } from '../../../util/abort.js'
import type {
  Carrier,
  CarrierControl,
  CarrierEvent,
  CarrierSurvey,
  ExecJob,
  FindOptions,
  Launched,
  RunJob,
} from '../../host/tasks/carrier.js'
import type { Cgroups } from '../../host/tasks/cgroups.js'
import { Events } from '../gen/events_pb.js'
import { Tasks } from '../gen/tasks_pb.js'
import { TaskExitSchema, TaskOOMSchema } from '../gen/task_events_pb.js'
import type { Calls, UnaryOptions } from '../channel.js'
import type { ContainerdRuntimes } from '../runtimes.js'
import { metricsSample } from './metrics.js'
import { destroy, destroyTask, release } from './release.js'
import { type Wire, about, any } from './wire.js'
import { closeStdin, pauseTask, resizeTerminal, resumeTask } from './wire-verbs.js'

export function containerdCarrier(wire: Wire, runtimes: Pick<ContainerdRuntimes, 'resolve'>, cgroups: Pick<Cgroups, 'clear'>): Carrier {
  return {
    mode: () => undefined,
    run: (job, options) => run(wire, runtimes, job, options),
    exec: (job, options) => exec(wire, job, options),
    find: (state, options) => wire.find(state, patience(options)),
    wait: (state, options) => wire.wait(state, options),
    isBroken: (error) => isEngineError(error) && /ttrpc: closed|shim/.test(error.message),
    kill: (state, signal, all, options) => wire.kill(state, signal, all, options),
    release: (state, options) => release(wire, state, options),
    destroy: (state, options) => destroyTask({ wire, cgroups }, state, options),
    control: control(wire.calls),
    survey: survey(wire),
  }
}

async function run(wire: Wire, runtimes: Pick<ContainerdRuntimes, 'resolve'>, job: RunJob, { signal }: CallOptions): Promise<Launched> {
  const { state, stdio, spec, rootfs, until } = job
  const runtime = runtimes.resolve(job.runtime).form
  await wire.createContainer(state, runtime, encodeSpec(spec), { signal })
  const creating = wire.createTask(state, runtime, rootfs, stdio, {})
  job.underWay(creating)
  const pid = await raceAbort(creating, signal)
  // Before the start: an exit that comes at once must find somebody who listens.
  const waiting = wire.wait(state, { signal: until })
  waiting.catch(() => {})
  await start(wire, job, signal)
  return { pid, waiting }
}
async function exec(wire: Wire, job: ExecJob, { signal }: CallOptions): Promise<Launched> {
  const { state, stdio, execId, process, until } = job
  const registering = wire.exec({ ...state, execId }, encodeSpec(process), stdio, {})
  job.underWay(registering)
  await raceAbort(registering, signal)
  const waiting = wire.wait(state, { signal: until })
  waiting.catch(() => {})
  return { pid: await start(wire, job, signal), waiting }
}
/** Noted when it is so: until then nobody else frees what seems to have ended. */
async function start(wire: Wire, { state, files, underWay }: RunJob | ExecJob, signal: AbortSignal | undefined): Promise<number> {
  const starting = wire.start(state, {}).then(async (pid) => {
    await files.markStarted()
    return pid
  })
  underWay(starting)
  return raceAbort(starting, signal)
}

function control(calls: Calls): CarrierControl {
  return {
    pause: (state, options) => pauseTask(calls, state, options),
    resume: (state, options) => resumeTask(calls, state, options),
    async update(state, resources, options) {
      const request = { containerId: state.wireId, resources: any('LinuxResources', encodeSpec(resources)) }
      await calls.unary(Tasks.method.update, request, about(state, options))
    },
    async pids(state, options) {
      const { processes } = await calls.unary(Tasks.method.listPids, { containerId: state.wireId }, about(state, options))
      return processes.map(({ pid }) => pid)
    },
    async sample(state, options) {
      const { metrics } = await calls.unary(Tasks.method.metrics, { filters: [`id==${state.wireId}`] }, about(state, options))
      const data = metrics[0]?.data
      return data && metricsSample(data.typeUrl, data.value, new Date())
    },
    closeStdin: (state, options) => closeStdin(calls, state, options),
    resize: (state, size, options) => resizeTerminal(calls, state, size, options),
  }
}

function survey(wire: Wire): CarrierSurvey {
  return {
    targets: (options) => wire.listContainers(options),
    tasks: (options) => wire.listTasks(options),
    // What shares its pids cannot be known without its files: so all in its cgroup.
    destroy: (target, options) => destroy(wire, { ...target, sharedPids: true }, options),
    events: (ready, signal) => events(wire.calls, ready, signal),
  }
}
async function* events(calls: Calls, ready: () => void, signal: AbortSignal): AsyncGenerator<CarrierEvent, void, undefined> {
  const filters = ['exit', 'oom'].map((topic) => `namespace==${calls.namespace},topic=="/tasks/${topic}"`)
  const stream = calls.serverStream(Events.method.subscribe, { filters }, { signal, waitForReady: true })
  let next = stream.next()
  next.catch(() => {})
  ready()
  for (let result = await next; result.done !== true; result = await next) {
    next = stream.next()
    next.catch(() => {})
    const { topic, event } = result.value
    if (event === undefined) continue
    if (topic === '/tasks/oom') yield { kind: 'oom', wireId: fromBinary(TaskOOMSchema, event.value).containerId }
    else if (topic === '/tasks/exit') {
      const { containerId, id } = fromBinary(TaskExitSchema, event.value)
      yield { kind: 'exited', wireId: containerId, ...(id !== containerId && { execId: id }) }
    }
  }
}

/** A daemon that restarts is waited for, by whom has nothing else to do. */
function patience({ patient = false, ...options }: FindOptions): UnaryOptions {
  return patient ? { ...options, waitForReady: true, deadlineMs: Infinity } : options
}
