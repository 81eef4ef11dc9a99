#!/bin/sh
# Runs the quickstart example in a scratch copy with the command $1, and says what to look at next.
set -eu
command=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
scratch=$(mktemp -d "${TMPDIR:-/tmp}/fsm-sprint-demo.XXXXXX")
cp -R "$(dirname "$0")/quickstart/." "$scratch"
cd "$scratch"
"$command" run
cat <<END

That was examples/quickstart. Everything it left is in a scratch directory; have a look:

    cd '$scratch'
    alias fsm-sprint='$command'
    fsm-sprint status         where it stands
    fsm-sprint replay         what happened, in order
    fsm-sprint logs summary   what a phase printed
    fsm-sprint verify         whether the record is whole
    fsm-sprint diagram plan   the plan as a picture
    cat PROGRESS.yaml         the same state, for people and scripts

Then read README.md and try examples/agent-feature, where an agent does the work.
END
