/** What a room reports of itself, for the one `onTrace` function given at connect. Never carries credentials or contents. */
export type TraceEntry =
  | {
      readonly kind: 'call'
      /** E.g. `snapshots.prepare`, `mount`. */
      readonly name: string
      readonly durationMs: number
      /** The error's code; absent for success. */
      readonly code?: string | undefined
    }
  /** An undo that failed: what it left is found by `repair`. */
  | { readonly kind: 'undo'; readonly name: string; readonly error: unknown }
  /** What a crash had left, put right. */
  | { readonly kind: 'repair'; readonly name: string }
  /** Something foreign that was passed over, e.g. a record that cannot be read. */
  | { readonly kind: 'warning'; readonly name: string; readonly error: unknown }

/** Called synchronously; what it throws is ignored. */
export type Trace = (entry: TraceEntry) => void
