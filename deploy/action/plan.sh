#!/usr/bin/env bash
# action.yml runs this. It runs plan, adds the outcome to the summary of the job, and comments on the pull request.
# Inputs and GH_TOKEN come in the environment. PERSONALIZE_MONITOR is a program to use; without one it is built from this source.
set -euo pipefail

fail() {
  echo "::error title=Personalize Monitor::$1"
  exit 2
}

args=(plan)
[ -z "${INPUT_REGIONS:-}" ] || args+=("--regions=$INPUT_REGIONS")
while IFS= read -r flag; do
  flag="${flag%$'\r'}"
  case "$flag" in
  '') ;;
  --*) args+=("$flag") ;;
  *) fail "the input flags has a line that does not begin with --" ;;
  esac
done <<<"${INPUT_FLAGS:-}"

program="${PERSONALIZE_MONITOR:-}"
if [ -z "$program" ]; then
  # make would expand a variable of the job as a text of its own, with calls of the shell in it.
  env -u GH_TOKEN -u VERSION make --silent -C "$GITHUB_ACTION_PATH" build
  program="$GITHUB_ACTION_PATH/personalize-monitor"
fi

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# What the program logs has no meaning for the runner until the random word.
word="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
echo "::stop-commands::$word"
code=0
env -u GH_TOKEN "$program" "${args[@]}" >"$work/plan" || code=$?
echo "::$word::"

changes=unknown
case "$code" in
0)
  outcome="Nothing would change."
  changes=false
  ;;
3) outcome="**Some regions or endpoints could not be read.** They are listed; nothing is decided about them." ;;
10)
  outcome="Something would change."
  changes=true
  ;;
*) outcome="**The plan failed** with exit code $code. The log of the job has the reason." ;;
esac
{
  echo "changes=$changes"
  echo "exit-code=$code"
} >>"$GITHUB_OUTPUT"

# A title is one line of plain text.
title="$(printf '%s' "${INPUT_TITLE:-Personalize Monitor}" | tr -d '<>\r' | tr '\n' ' ')"
marker="<!-- personalize-monitor plan: ${title//--/-} -->"
limit=60000 # bytes; a comment has 65,536 characters at most
{
  printf '%s\n### %s: plan\n\n%s\n' "$marker" "$title" "$outcome"
  if [ -s "$work/plan" ]; then
    # No line of the plan ends the block.
    printf '\n````text\n'
    head -c "$limit" "$work/plan" | sed 's/````/`` ``/g'
    printf '\n````\n'
    [ "$(wc -c <"$work/plan")" -le "$limit" ] || printf '\nThe rest is left out: the plan is too long for a comment.\n'
  fi
  printf '\nNothing was written to AWS.\n'
} >"$work/comment"
cat "$work/comment" >>"$GITHUB_STEP_SUMMARY"

# comment creates the comment of this title, or replaces it. Anyone can write a comment with the marker. The token of a person owns that of this
# person, and the token of a job, which cannot look up whose it is, that of a bot.
comment() {
  local id me
  me="$(gh api user --jq .login 2>/dev/null)" || me=
  id="$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$1/comments?per_page=100" |
    jq -rn --arg marker "$marker" --arg me "$me" '[inputs[] |
      select((if $me == "" then .user.type == "Bot" else .user.login == $me end) and (.body | startswith($marker))) | .id] | first // empty')" || return 1
  if [ -n "$id" ]; then
    jq -Rs '{body: .}' "$work/comment" | gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --input -
  else
    jq -Rs '{body: .}' "$work/comment" | gh api --silent --method POST "repos/$GITHUB_REPOSITORY/issues/$1/comments" --input -
  fi
}

if [ "${INPUT_COMMENT:-true}" = true ]; then
  pull="$(jq -r '.pull_request.number // empty' "$GITHUB_EVENT_PATH")"
  if [ -z "$pull" ]; then
    echo "::notice title=Personalize Monitor::this event has no pull request; the plan is in the summary of the job"
  elif ! comment "$pull"; then
    echo "::warning title=Personalize Monitor::the comment could not be written; the plan is in the summary of the job. Does the job have the permission pull-requests: write?"
  fi
fi

case "$code" in
0 | 10) ;;
*) exit "$code" ;;
esac
