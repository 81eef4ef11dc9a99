#!/bin/sh
# Plays the agent of this example: does what its prompts ask for without understanding them.
set -eu
prompt=$(cat)
file=$(printf '%s\n' "$prompt" | sed -n 's/.*`\([^`]*\)`.*/\1/p' | head -n 1)
echo "I was asked to write $file."
mkdir -p "$(dirname "$file")"
case $file in
plans/*) printf '%s\n' '1. Write the script.' '2. Let the check decide.' >"$file" ;;
src/greet.sh) printf '%s\n' 'echo "Hello, ${1:-world}!"' >"$file" ;;
src/shout.sh) printf '%s\n' 'printf "%s\n" "$1" | tr "[:lower:]" "[:upper:]"' >"$file" ;;
*)
    echo "I do not know how." >&2
    exit 1
    ;;
esac
