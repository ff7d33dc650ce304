#!/usr/bin/env bash
# What `stream` computes, with curl and cdo: the messages of each member are downloaded whole into one
# file, cdo cuts the region out of it, and then takes mean and population deviation over these files.
#
#     cdo_client.sh ENDPOINT STEM STEP MEMBERS OUTPUT NORTH,WEST,SOUTH,EAST
#
# One step: cdo's members are files. curl has 8 requests at once on connections that stay open, and two
# cdo run at a time. OUTPUT.mean.nc and OUTPUT.deviation.nc hold float64, as cdo names and orders them.
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
  cat "$work/${member}"_*.part >"$work/$member.grib2"
  rm "$work/${member}"_*.part
  echo "$work/$member.grib2"
done >"$work/files"
region=$west,$east,$south,$north
xargs -P 2 -I{} cdo -s -f nc2 -b F64 "sellonlatbox,$region" {} {}.nc <"$work/files"
cdo -s -f nc2 -b F64 ensmean "$work"/*.nc "$output.mean.nc" &
cdo -s -f nc2 -b F64 ensstd "$work"/*.nc "$output.deviation.nc"
wait $!
