// What the bench uses of dockerode, which has no types of its own.
declare module 'dockerode' {
  import type { Duplex, Writable } from 'node:stream'

  interface DockerodeContainer {
    readonly id: string
    attach(options: object): Promise<Duplex>
    inspect(): Promise<unknown>
    start(): Promise<unknown>
    wait(): Promise<{ readonly StatusCode: number }>
    remove(): Promise<unknown>
  }
  class Docker {
    constructor(options: { readonly socketPath: string })
    readonly modem: { demuxStream(from: Duplex, stdout: Writable, stderr: Writable): void }
    createContainer(options: object): Promise<DockerodeContainer>
    getContainer(id: string): DockerodeContainer
  }
  export = Docker
}
