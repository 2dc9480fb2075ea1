// As much of a shell as the task suite speaks: `echo`, `cat`, `sleep`, `read`, `exit`, `trap`, `stty size`, `true`, `false`, `&`, `wait`.
// No files, no pipes, no variables: what it does not know runs until it is killed.

export interface ShellIo {
  write(stream: 'stdout' | 'stderr', text: string): void
  /** The next bytes of stdin; `undefined` at its end. */
  read(): Promise<Uint8Array | undefined>
  /** Resolves then, or rejects when the process is killed. */
  sleep(ms: number): Promise<void>
  size(): string
}

/** Resolves with the exit code. */
export async function runCommand(args: readonly string[], io: ShellIo): Promise<number> {
  const [command = '', flag, script = ''] = args
  if (/(^|\/)sh$/.test(command) && flag === '-c') return runScript(script, io)
  return (await runStatement(args.map((word) => (/^[\w./-]+$/.test(word) ? word : `'${word}'`)).join(' '), io)) ?? 0
}

async function runScript(script: string, io: ShellIo): Promise<number> {
  for (const statement of script.split(';')) {
    const code = await runStatement(statement.trim(), io)
    if (code !== undefined) return code
  }
  return 0
}

/** A number ends the script. */
async function runStatement(statement: string, io: ShellIo): Promise<number | undefined> {
  const background = statement.split('&').map((part) => part.trim())
  const toStderr = statement.endsWith('>&2')
  const text = toStderr ? statement.slice(0, -3).trim() : (background.at(-1) ?? '')
  const [command = '', ...words] = text.replaceAll(/["']/g, '').split(/\s+/)
  switch (command.slice(command.lastIndexOf('/') + 1)) {
    case '':
    case 'true':
      return undefined
    case 'false':
      return 1
    case 'exit':
      return Number(words[0] ?? 0)
    case 'echo': {
      const bare = words[0] === '-n'
      io.write(toStderr ? 'stderr' : 'stdout', words.slice(bare ? 1 : 0).join(' ') + (bare ? '' : '\n'))
      return undefined
    }
    case 'cat':
      for (let bytes = await io.read(); bytes !== undefined; bytes = await io.read()) io.write('stdout', Buffer.from(bytes).toString())
      return undefined
    case 'read':
      await io.read()
      return undefined
    case 'stty':
      io.write('stdout', `${io.size()}\n`)
      return undefined
    case 'sleep':
      await io.sleep(Number(words[0] ?? 0) * 1_000)
      return undefined
    default:
      await io.sleep(Infinity)
      return undefined
  }
}
