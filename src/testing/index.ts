export { session } from './session.js'
export type { Session } from './session.js'
export { ready } from './ready.js'
export type { ReadyCommandOptions, ReadyLogOptions } from './ready.js'
