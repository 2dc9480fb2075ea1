import { EngineError, type EngineErrorOptions } from '../errors.js'

/** What `{ check: true }` makes of a non-zero exit: `failed_precondition` with `exitCode`, and all the output there was. */
export class CommandError extends EngineError {
  override readonly name: string = 'CommandError'
  override readonly exitCode: number
  readonly stdout: Buffer
  readonly stderr: Buffer

  constructor(
    message: string,
    output: { readonly exitCode: number; readonly stdout: Buffer; readonly stderr: Buffer },
    options?: EngineErrorOptions,
  ) {
    super('failed_precondition', message, { ...options, exitCode: output.exitCode })
    this.exitCode = output.exitCode
    this.stdout = output.stdout
    this.stderr = output.stderr
  }
}
