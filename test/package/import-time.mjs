// Prints how many milliseconds the import of one specifier takes: import-time.mjs SPECIFIER
const started = performance.now()
await import(process.argv[2])
process.stdout.write(String(performance.now() - started))
