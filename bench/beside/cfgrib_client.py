"""What `stream` computes, in the way of ICPAC's Python scripts: cfgrib on whole messages, in threads.

    cfgrib_client.py ENDPOINT STEM STEPS MEMBERS OUTPUT N,W,S,E --read open|range

Of https://github.com/icpac-igad/grib-index-kerchunk (`stream_cgan_variables.py`, 2026) it has the
order of the work: variable after variable, 8 members at once in threads, each message read whole,
written to a temporary file, opened with xarray's engine "cfgrib", cut to the region as float32. Their
preferred decoder, gribberish, is in neither Debian nor npm; cfgrib is what they use without it.

With --read open a message is read as theirs are, by opening the file with fsspec, seeking and reading,
which asks for the file's size and reads 5 MiB ahead; with --read range by one request for its bytes.
References come from the indexes; theirs are in Parquet files, for which Debian has no reader.
fsspec's HTTP stands for s3fs, which Debian lacks; both have the same cache.

OUTPUT gets float64 as of `eccodes_client.c`. Needs Debian's python3-cfgrib, -xarray, -fsspec, -aiohttp.
"""
import argparse
import concurrent.futures
import json
import os
import sys
import tempfile

import fsspec
import numpy as np
import xarray as xr

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../fixtures"))
from grib_statistics import VARIABLES  # noqa: E402

THREADS = 8


def read_message(filesystem, how, url, offset, length):
    """A whole message, by opening its file or by one request."""
    if how == "range":
        return filesystem.cat_file(url, start=offset, end=offset + length)
    with filesystem.open(url, "rb") as file:
        file.seek(offset)
        return file.read(length)


def decode_message(message, folder):
    """The values of a message: rows north first, columns from 180W."""
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".grib2", delete=False) as file:
        file.write(message)
    dataset = xr.open_dataset(file.name, engine="cfgrib")
    values = dataset[list(dataset.data_vars)[0]].values.copy()
    dataset.close()
    os.unlink(file.name)
    return values


def cut(values, region):
    """The points of a region, bounds included, in float32."""
    north, west, south, east = region
    rows, columns = values.shape
    latitudes = np.linspace(90, -90, rows)
    longitudes = -180 + 360 / columns * np.arange(columns)
    inside = np.ix_(
        (latitudes >= south) & (latitudes <= north), (longitudes >= west) & (longitudes <= east)
    )
    return values[inside].astype(np.float32)


def find_references(filesystem, stem, step, member_count):
    """variable -> offset and length of each member's message, the control first."""
    found = {name: {} for name in VARIABLES.values()}
    for line in filesystem.cat_file(f"{stem}{step}h-enfo-ef.index").splitlines():
        entry = json.loads(line)
        level = int(entry["levelist"]) if "levelist" in entry else None
        name = VARIABLES.get((entry["param"], level))
        if name and int(entry.get("number", 0)) < member_count:
            found[name][int(entry.get("number", 0))] = (entry["_offset"], entry["_length"])
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("endpoint", "stem", "steps", "members", "output", "region"):
        p.add_argument(name)
    p.add_argument("--read", choices=("open", "range"), required=True)
    a = p.parse_args()
    region = tuple(map(float, a.region.split(",")))
    stem, filesystem = f"{a.endpoint}/{a.stem}", fsspec.filesystem("http")
    results = []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for step in a.steps.split(","):
            references = find_references(filesystem, stem, step, int(a.members))
            url = f"{stem}{step}h-enfo-ef.grib2"

            def window(reference):
                message = read_message(filesystem, a.read, url, *reference)
                return cut(decode_message(message, folder), region)

            for members in references.values():
                stack = np.stack(list(pool.map(window, (members[i] for i in sorted(members)))))
                results += [stack.mean(axis=0), stack.std(axis=0)]
    np.stack(results).astype(np.float64).tofile(a.output)


if __name__ == "__main__":
    main()
