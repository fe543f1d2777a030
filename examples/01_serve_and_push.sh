#!/bin/sh
# From nothing to a forge: serve, make an account and a token, push, clone back, look around.
#
# Needs wit-admin, git and curl. Everything happens in a new folder, which is removed at the end.
# Another wit-admin than the one on PATH: WIT_ADMIN=/path/to/wit-admin examples/01_serve_and_push.sh
set -eu

wit_admin=${WIT_ADMIN:-wit-admin}
folder=$(mktemp -d)
server=
server=

clean_up() {
    if [ -n "$server" ]; then
        kill "$server" 2> /dev/null || true
        wait "$server" 2> /dev/null || true
    fi
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Nothing of your own settings, of wit or of git, shall matter here.
unset DATABASE_URL DATABASE_URL_FILE DB_PATH PORT
for name in $(env | sed -n 's/^\(WIT_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export WIT_HOME="$folder/home" HOME="$folder" GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0

echo "1. Serve on a free port, on an embedded database that is made on the way."
: > "$folder/log"
"$wit_admin" serve --port 0 2>> "$folder/log" &
server=$!
url=
while [ -z "$url" ]; do
    kill -0 "$server" 2> /dev/null || { cat "$folder/log" >&2; exit 1; }
    url=$(sed -n 's/.*Serving \(http[^ ]*\).*/\1/p' "$folder/log")
    [ -n "$url" ] || sleep 0.1
done

echo "2. Make an account and a token. The token is all that is printed, so a variable can take it."
"$wit_admin" --quiet user create alice --admin > /dev/null
token=$("$wit_admin" --quiet token create alice --scope repo:write --expires 1d)

echo "3. Push. The first push makes the repository."
git init --quiet --initial-branch=main "$folder/work"
cd "$folder/work"
git config user.name Alice
git config user.email alice@example.org
for number in 1 2 3; do
    echo "line $number" >> story.txt
    git add story.txt
    git commit --quiet --message "Write line $number"
done
git tag v1
# Through the environment: the token is in no URL, no argument and no file.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraHeader
export GIT_CONFIG_VALUE_0="Authorization: Bearer $token"
git push --quiet "${url}alice/demo" main v1

echo "4. Clone it back and compare: the same refs, the same files, nothing broken."
git clone --quiet "${url}alice/demo" "$folder/copy"
git -C "$folder/copy" fsck --strict --no-progress
[ "$(git -C "$folder/copy" rev-parse HEAD v1)" = "$(git rev-parse HEAD v1)" ]
cmp story.txt "$folder/copy/story.txt"

echo "5. Look at the database."
"$wit_admin" db status
"$wit_admin" user list
"$wit_admin" repo list
"$wit_admin" activity list alice/demo

echo "6. Ask the server how it is."
curl --silent --fail --show-error "${url}health"
echo

echo "7. Revoke the token: it is refused at once."
id=$("$wit_admin" token list alice | cut -f 1)
"$wit_admin" token revoke "$id" > /dev/null
if git ls-remote "${url}alice/demo" > /dev/null 2>&1; then
    echo "The revoked token still works." >&2
    exit 1
fi
echo "Done."
