/** Daemons leave a field out, or say `null`, where there is nothing to say. */
export type Maybe<T> = T | null | undefined
