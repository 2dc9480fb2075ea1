// Patterns for names.

/** `*` stands for anything. Goes back to the last star only, so no pattern takes long. */
export function glob(pattern: string, text: string): boolean {
  let at = 0
  let star = -1
  let mark = 0
  let from = 0
  while (at < text.length) {
    if (pattern[from] === '*') {
      star = from++
      mark = at
    } else if (pattern[from] === text[at]) {
      from++
      at++
    } else if (star >= 0) {
      from = star + 1
      at = ++mark
    } else return false
  }
  while (pattern[from] === '*') from++
  return from === pattern.length
}
