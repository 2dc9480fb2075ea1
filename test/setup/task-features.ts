// What the task suite may expect below a runtime: as its features tell, not its name.
import type { TaskFeature } from '../../src/conformance/tasks/subject.js'
import type { RuntimeFeatures } from '../../src/ports/drivers/runtime.js'

export function supportedBy(features: RuntimeFeatures): (feature: TaskFeature) => boolean {
  const answers: Readonly<Record<TaskFeature, boolean>> = {
    checkpoint: features.checkpoint,
    oom: features.cgroup === 'container',
    pause: features.pause,
    processes: features.hostPid,
    shared_attach: true,
    stats: features.stats === 'cgroup',
    tty: features.tty,
    update: features.update,
    // Else another kernel, with a gofer that makes directories, is asked for it.
    working_directory: features.hostPid,
  }
  return (feature) => answers[feature]
}
