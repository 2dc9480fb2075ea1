/** Bundles a TypeScript program of this repository into a file that Node 20 runs. `dispose` removes it. */
export function compile(source: string): Promise<{ readonly path: string; dispose(): Promise<void> }>
