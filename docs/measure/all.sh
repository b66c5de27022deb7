#!/usr/bin/env bash
# Measures everything that docs/performance.md states, section by section:
#
#     docs/measure/all.sh [SECTION ...]        # peers screen feed alerts spans storm million; without one: all
#
# PROGRAM names the binary (default: target/release/warroom). Each section has a fresh folder and its own port, sends to
# loopback only, and stops what it started.
set -euo pipefail
cd "$(dirname "$0")/../.."
program="$(realpath "${PROGRAM:-target/release/warroom}")"
measure="$(realpath docs/measure)"
port="${PORT:-19595}"
running=()
folder=""

finish() {
  for process in "${running[@]}"; do kill "$process" 2>/dev/null || true; wait "$process" 2>/dev/null || true; done
  running=()
  [ -z "$folder" ] || rm -rf "$folder"
  folder=""
}
trap finish EXIT

# A fresh house: nothing of this machine's user.
house() {
  finish
  folder="$(mktemp -d)"
  chmod 700 "$folder"
  export HOME="$folder" XDG_STATE_HOME="$folder/state" XDG_CONFIG_HOME="$folder/config" LANG=C.UTF-8
  mkdir -m 700 "$XDG_STATE_HOME" "$XDG_CONFIG_HOME"
}

until_up() {
  for _ in $(seq 200); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    sleep 0.05
  done
  echo "nobody listens on $1" >&2
  exit 1
}

serve() {
  "$program" serve --listen "127.0.0.1:$port" 2>"$folder/serve.log" &
  running+=("$!")
  until_up "$port"
}

alertmanager() {
  printf 'route: {receiver: none}\nreceivers: [{name: none}]\n' >"$folder/am.yml"
  prometheus-alertmanager --config.file="$folder/am.yml" --storage.path="$folder/am" --cluster.listen-address= \
    --web.listen-address="127.0.0.1:$((port + 1))" >"$folder/am.log" 2>&1 &
  running+=("$!")
  until_up "$((port + 1))"
}

console() { "$measure/terminal.py" "$@" -- "$program" --listen "127.0.0.1:$((port + 2))"; }

say() { printf '\n## %s\n' "$*"; }

peers() {
  house
  say "htop 160x50"
  "$measure/terminal.py" --keys '<down><up>' --quit q -- htop --delay=20
  seq -f '%.0f a line of a log' 20000 >"$folder/log"
  say "lnav 160x50"
  "$measure/terminal.py" --keys jk -- lnav "$folder/log"
}

screen() {
  house
  serve
  "$measure/intake.py" alerts --to "http://127.0.0.1:$port/alertmanager" --count "${ALERTS:-100000}" --batch 1000 --connections 2
  sleep 5
  say "console 160x50 with ${ALERTS:-100000} alerts"
  console --size 160x50 --before 2 --ready INC-
  say "console 80x24, the same journal"
  console --size 80x24 --before 2 --ready INC- --idle 2
}

feed() {
  house
  serve
  "$measure/intake.py" alerts --to "http://127.0.0.1:$port/alertmanager" --count 2000 --batch 100
  sleep 2
  say "console 160x50 while 10 alerts a second arrive"
  "$measure/intake.py" feed --to "http://127.0.0.1:$port/alertmanager" --rate 10 --seconds 25 --batch 1 &
  console --runs 1 --keys '' --idle 15 --ready INC-
  wait "$!"
  say "console 160x50 while 5000 alerts a second arrive: a key to its answer on the screen"
  "$measure/intake.py" feed --to "http://127.0.0.1:$port/alertmanager" --rate 5000 --seconds 30 --batch 64 &
  console --runs 1 --keys '::::::::::' --repeat 10 --answer 'accept' --idle 0 --ready INC- --rest 3
  wait "$!"
}

# Turn by turn, each fresh and alone, so that whatever else the machine does falls on both.
alerts() {
  for batch in 1 64; do
    local count=$((batch == 1 ? 20000 : 100000))
    for _ in 1 2 3 4 5; do
      house
      serve
      say "warroom, on disk, $batch a request"
      "$measure/intake.py" alerts --to "http://127.0.0.1:$port/alertmanager" --count "$count" --batch "$batch"
      house
      alertmanager
      say "Alertmanager, in memory, $batch a request"
      "$measure/intake.py" alerts --to "http://127.0.0.1:$((port + 1))/api/v2/alerts" --count "$count" --batch "$batch"
    done
  done
}

spans() {
  house
  serve
  say "spans accepted, on disk, 500 a request"
  "$measure/intake.py" spans --to "http://127.0.0.1:$port/v1/traces" --count 100000 --batch 500 --connections 4 --runs 5
}

storm() {
  for _ in 1 2 3 4 5; do
    house
    serve
    say "one webhook of 100000 alerts"
    "$measure/intake.py" storm --to "http://127.0.0.1:$port/alertmanager" --count 100000 --pid "${running[0]}"
    sleep 3
    "$program" incidents 2>/dev/null | head -3
  done
}

million() {
  house
  serve
  "$measure/intake.py" alerts --to "http://127.0.0.1:$port/alertmanager" --count 1000000 --batch 1000 --connections 2
  sleep 20
  kill "${running[0]}"
  wait "${running[0]}" || true
  running=()
  ls -l "$folder"/state/warroom/journal.db
  say "verify a million entries"
  for _ in 1 2 3 4 5; do time "$program" verify; done
  say "first frame on a million entries, 160x50"
  console --size 160x50 --before 2 --repeat 5 --rest 20 --idle 4 --ready INC-
}

[ "$#" -gt 0 ] || set -- peers screen feed alerts spans storm million
echo "# $(date -u +%F), $(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2), load $(cut -d' ' -f1 /proc/loadavg)"
for section in "$@"; do "$section"; done
