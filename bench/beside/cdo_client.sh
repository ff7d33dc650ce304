#!/usr/bin/env bash
# What `stream` computes, with curl and cdo: the messages of each member are downloaded whole into one
# file, cdo cuts the region out of all of them, and takes mean and population deviation over the members,
# which are times to it.
#
#     cdo_client.sh ENDPOINT STEM STEP MEMBERS OUTPUT NORTH,WEST,SOUTH,EAST
#
# One step, two members or more. curl has 8 requests at once on connections that stay open, and two cdo
# run at a time. OUTPUT.mean.nc and OUTPUT.deviation.nc hold float64, as cdo names and orders them.
set -euo pipefail
export LC_ALL=C
endpoint=$1 stem=$2 step=$3 members=$4 output=$5
IFS=, read -r north west south east <<<"$6"
file="$endpoint/$stem${step}h-enfo-ef"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A line for each wanted message, in the order of the file: member, field, first byte, last byte.
curl -sSf "$file.index" | awk -v members="$members" '
  function value(key) {
    if (!match($0, "\"" key "\": \"?[^\",}]*")) return ""
    text = substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4)
    sub(/^"/, "", text)
    return text
  }
  BEGIN {
    count = split("tp 2t sp ssr ssrd tcw tcwv tcc u700 v700 sf ro", names, " ")
    for (i = 1; i <= count; i++) wanted[names[i]]
  }
  (value("param") value("levelist")) in wanted && value("number") + 0 < members {
    print value("number") + 0, value("param"), value("_offset"), value("_offset") + value("_length") - 1
  }' >"$work/messages"

awk -v url="$file.grib2" -v work="$work" '{
  printf "%surl=%s\nrange=%d-%d\n", (NR > 1 ? "next\n" : ""), url, $3, $4
  printf "output=%s/%d_%s.part\nfail\n", work, $1, $2
}' "$work/messages" >"$work/downloads"
curl --no-progress-meter --parallel --parallel-max 8 --config "$work/downloads"

# In the order of their names in every file: cdo takes fields of several files for the same by their order.
for ((member = 0; member < members; member++)); do
  cat "$work/${member}"_*.part >"$work/half$((member % 2))_$member.grib2"
  rm "$work/${member}"_*.part
done
# One process a half: each cdo reads the definitions of ecCodes first, which takes as long as ten fields.
for half in half0 half1; do
  cdo -s -f nc2 -b F64 "sellonlatbox,$west,$east,$south,$north" -cat "$work/$half"_*.grib2 "$work/$half.nc" &
done
wait -n
wait -n
cdo -s timmean -cat "$work"/half?.nc "$output.mean.nc"
cdo -s timstd -cat "$work"/half?.nc "$output.deviation.nc"
