// How a skipped test carries its reason: in the title, where the reporter finds it. A skip without one fails the run.
const mark = / \[skipped: (.+)\]$/

export const skippedTitle = (title: string, reason: string): string => `${title} [skipped: ${reason}]`

/** Undefined: skipped without a reason. */
export const reasonOfSkip = (title: string): string | undefined => mark.exec(title)?.[1]

/** The title as it was given. */
export const titleOfSkip = (title: string): string => title.replace(mark, '')
