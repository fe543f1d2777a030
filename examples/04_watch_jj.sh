#!/bin/sh
# What jj knows, in the database of a forge: a repository is found, read, read again, and shown.
#
# Needs wit-admin, and jj to make a repository with; or the folder of one in JJ_WORKSPACE, which is copied.
# Everything happens in a new folder, which is removed at the end.
# Another wit-admin than the one on PATH: WIT_ADMIN=/path/to/wit-admin examples/04_watch_jj.sh
set -eu

wit_admin=${WIT_ADMIN:-wit-admin}
source=${JJ_WORKSPACE:-}
folder=$(mktemp -d)
watcher=

clean_up() {
    if [ -n "$watcher" ]; then
        kill "$watcher" 2> /dev/null || true
        wait "$watcher" 2> /dev/null || true
    fi
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

if [ -z "$source" ] && ! command -v jj > /dev/null; then
    echo "There is no jj here; name the folder of a jj repository in JJ_WORKSPACE." >&2
    exit 1
fi

# Nothing of your own settings shall matter here.
unset DATABASE_URL DATABASE_URL_FILE DB_PATH PORT WATCHER_ENABLED
for name in $(env | sed -n 's/^\(WIT_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export WIT_HOME="$folder/home" HOME="$folder" JJ_CONFIG=/dev/null
workspace="$WIT_HOME/repos/alice/demo"

echo "1. Make a forge with an account and a repository."
mkdir -p "$WIT_HOME"
"$wit_admin" --quiet db migrate > /dev/null
"$wit_admin" --quiet user create alice > /dev/null
"$wit_admin" --quiet repo create alice/demo > /dev/null

echo "2. Ask for what nobody has read yet: the answer says what to do."
! "$wit_admin" jj changes alice/demo || exit 1

echo "3. Work with jj beside the bare repository."
if [ -n "$source" ]; then
    cp -R "$source" "$workspace"
else
    jj git init --quiet "$workspace"
    cd "$workspace"
    for number in 1 2 3; do
        echo "line $number" >> story.txt
        jj commit --quiet --message "Write line $number"
    done
    jj bookmark create --quiet main --revision @-
fi

echo "4. Follow all repositories that have a .jj; this one is found by itself."
"$wit_admin" watch --json > "$folder/synced" 2> "$folder/log" &
watcher=$!
until [ -s "$folder/synced" ]; do
    kill -0 "$watcher" 2> /dev/null || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
done
cat "$folder/synced"

if [ -z "$source" ]; then
    echo "5. Go on with jj: it is read as soon as jj is done."
    jj describe --quiet --message "Think about line 4"
    until [ "$(wc -l < "$folder/synced")" -gt 1 ]; do sleep 0.1; done
fi

echo "6. Look at the changes, the operation log as a graph, the bookmarks."
"$wit_admin" jj changes alice/demo
"$wit_admin" jj ops alice/demo --limit 10 --graph
"$wit_admin" jj bookmarks alice/demo

echo "7. See how the latest change came to be."
change=$("$wit_admin" --quiet jj changes alice/demo --limit 1 | cut -f 1)
"$wit_admin" jj evolution alice/demo "$change"
echo "Done."
