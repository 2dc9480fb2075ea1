// Versions of the API, as daemons count them.
export interface ApiVersion {
  readonly major: number
  readonly minor: number
}

export function apiAtLeast(api: ApiVersion, major: number, minor: number): boolean {
  return api.major > major || (api.major === major && api.minor >= minor)
}
export function parseApiVersion(text: string): ApiVersion | undefined {
  const match = /^(\d{1,4})\.(\d{1,4})$/.exec(text)
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) }
}
export function formatApiVersion({ major, minor }: ApiVersion): string {
  return `${major}.${minor}`
}
