// What runs tar and sync for us: a shell in a mount namespace of its own, where the store has no symbolic links that lead anywhere.
import { createArgs, namedArgs } from './tar/child.js'

const extractCommand = [
  'tar',
  '--extract',
  '--file=-',
  '--blocking-factor=128',
  '--absolute-names',
  '--numeric-owner',
  '--same-owner',
  '--same-permissions',
  '--delay-directory-restore',
  '--xattrs',
  '--xattrs-include=*',
  '--warning=no-timestamp',
] as const
const createCommand = ['tar', ...createArgs, ...namedArgs] as const
const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ')

/**
 * Reads orders: what to do, the number under which it is told, and where. FIFOs are kept open until we have them, so that nobody waits for the
 * other; then a job has one end and we have the other. With our end of its input it ends all that it has started.
 * A kernel or a mount command without `nosymfollow` does without: names are resolved before tar sees them.
 */
export const shellScript: string = `
set -e
place=$1 store=$2
mount -n -t tmpfs -o mode=0700,size=64k pouch-sdk "$place"
mkdir "$place/store"
mount -n --bind -- "$store" "$place/store"
mount -n -o remount,bind,nosymfollow -- "$place/store" 2>/dev/null || :
cd -- "$place/store"
exec 5>/dev/null
job() {
  number=$1 path=$2 status=0
  shift 2
  said=$(cd -- "$path" 2>&1 && "$@" 2>&1 >&5) || status=$?
  [ "$status" = 0 ] && said= || said=$(printf %s "$said" | tr '\\n' ';' | cut -c 1-2000)
  printf '%s\\n' "ended $number $status $said"
}
show() {
  mkdir -- "$1"
  cd -- "$2"
  case $3 in
  *:*)
    mount -n -t overlay -o "ro,nosymfollow,lowerdir=$3" overlay "$1" 2>/dev/null || mount -n -t overlay -o "ro,lowerdir=$3" overlay "$1"
    ;;
  *)
    mount -n --bind -- "$3" "$1" || return
    mount -n -o remount,bind,ro,nosymfollow -- "$1" 2>/dev/null || :
    ;;
  esac
}
while read -r order number path directory lowers; do
  case $order in
  extract | create)
    [ -p "$place/$number" ] || mkfifo "$place/$number" "$place/$number.out"
    exec 3<>"$place/$number" 4<>"$place/$number.out"
    case $order in
    extract) { exec <"$place/$number" 3>&- 4>&-; job "$number" "$path" ${quoted(extractCommand)}; } & ;;
    create) { exec <"$place/$number" 5>"$place/$number.out" 3>&- 4>&-; job "$number" "$path" ${quoted(createCommand)}; } & ;;
    esac
    echo "open $number"
    read -r _ || :
    exec 3>&- 4>&-
    ;;
  show) job "$number" . show "$place/$path" "$directory" "$lowers" & ;;
  hide) job "$number" . umount -- "$place/$path" & ;;
  sync) job "$number" . sync -f -- . & ;;
  esac
done
kill -KILL 0
`
