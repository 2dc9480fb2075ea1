// Calls on a live task that need nothing but the target.
import type { CallOptions } from '../../../model/common.js'
import type { TerminalSize } from '../../../model/process.js'
import type { Calls } from '../channel.js'
import { Tasks } from '../gen/tasks_pb.js'
import type { CarriedTarget } from '../../host/tasks/carrier.js'
import { about, gone, ids } from './wire.js'

export async function pauseTask(calls: Calls, target: CarriedTarget, options: CallOptions): Promise<void> {
  await calls.unary(Tasks.method.pause, { containerId: target.wireId }, about(target, options))
}
export async function resumeTask(calls: Calls, target: CarriedTarget, options: CallOptions): Promise<void> {
  await calls.unary(Tasks.method.resume, { containerId: target.wireId }, about(target, options))
}
/** A process already gone is success. */
export async function closeStdin(calls: Calls, target: CarriedTarget, options: CallOptions): Promise<void> {
  await gone(calls.unary(Tasks.method.closeIO, { ...ids(target), stdin: true }, about(target, options)))
}
/** A process already gone is success. */
export async function resizeTerminal(
  calls: Calls,
  target: CarriedTarget,
  { columns, rows }: TerminalSize,
  options: CallOptions,
): Promise<void> {
  await gone(calls.unary(Tasks.method.resizePty, { ...ids(target), width: columns, height: rows }, about(target, options)))
}
